import pytest
import torch
from model_fixtures import ATTENTION, FRONTEND, MEAN_HEAD, NETWORK, RAW, WAVEFORM_NETWORK, Parts, tiny_model

from instrumentarium.frontends.normalisation import Normalisation
from instrumentarium.frontends.warp import warp_matrices
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.backbones.cnn import Cnn, Stem
from instrumentarium.models.backbones.image import PretrainedWeightsError
from instrumentarium.models.heads.attention import AttentionHead
from instrumentarium.models.heads.linear import LinearHead
from instrumentarium.models.params import CnnParams, TimmParams
from instrumentarium.models.recognition import RecognitionModel, build_model
from taxonomies import BAND3

TIMM = TimmParams(kind="timm", architecture="test_resnet")
MODELS = {
    "cnn": Parts(),
    "one block": Parts(backbone=CnnParams(kind="cnn", channels=(3, 5))),
    "attention": Parts(head=ATTENTION),
    "timm": Parts(backbone=TIMM, head=MEAN_HEAD),
    "waveform": RAW,
    "three instruments": Parts(taxonomy=BAND3),
}


def waveforms(batch: int = 3, samples: int = 4000) -> torch.Tensor:
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(7))


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def parts(request: pytest.FixtureRequest) -> Parts:
    return request.param


@pytest.fixture
def model(parts: Parts) -> RecognitionModel:
    return parts.build()


def test_one_logit_an_instrument_for_windows_of_any_length(parts: Parts):
    model = parts.build().eval()
    for batch, samples in ((1, 4000), (5, 4000), (2, 800), (1, 24000)):
        logits = model(waveforms(batch, samples))
        assert logits.shape == (batch, len(parts.taxonomy))
        assert torch.isfinite(logits).all()


def test_forward_is_front_end_normalisation_backbone_and_head(model: RecognitionModel):
    model.eval()
    normalised = model.normalise(model.frontend(waveforms()))
    assert normalised.shape == ((3, 4000) if model.frontend.axes is None else (3, 1, 16, 32))
    steps = model.backbone(normalised)
    assert steps.shape[:2] == (3, model.backbone.size)
    output = model.head(steps)
    assert output.embedding.shape == (3, model.head.embedding_size)
    torch.testing.assert_close(output.logits, model(waveforms()))
    torch.testing.assert_close(output.embedding, model.predict(waveforms()).embedding)


@pytest.mark.parametrize("backbone", [NETWORK, TIMM], ids=["cnn", "timm"])
def test_every_channel_of_the_features_counts(backbone: CnnParams | TimmParams):
    torch.manual_seed(0)
    network = build_backbone(backbone, (3, 16, 32)).eval()
    features = torch.randn(2, 3, 16, 32, requires_grad=True)
    network(features).square().sum().backward()
    assert features.grad is not None
    assert (features.grad.abs().sum(dim=(0, 2, 3)) > 0).all()
    with pytest.raises(RuntimeError, match="channels"):
        network(features[:, :1])


def test_the_gradient_reaches_every_parameter(model: RecognitionModel):
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.01)
    for _ in range(2):  # a residual branch whose last gain starts at 0 is reached from the second step on
        optimizer.zero_grad()
        model(waveforms(8)).square().sum().backward()
        optimizer.step()
    silent = [name for name, weights in model.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert silent == []


def test_the_target_of_grad_cam_takes_in_a_map_of_the_window(model: RecognitionModel):
    shapes = []
    target = model.backbone.gradcam_target
    assert target is not None
    target.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    model.eval()(waveforms(2))
    (shape,) = shapes
    assert shape[0] == 2
    if model.frontend.axes is None:
        assert len(shape) == 3  # channels and steps
    else:
        assert len(shape) == 4
        assert shape[2] <= shape[3] <= 16  # of 16 bands and 32 frames


def test_evaluation_draws_nothing(model: RecognitionModel):
    model.eval()
    assert torch.equal(model(waveforms()), model(waveforms()))


def test_a_window_is_judged_alone_whatever_else_is_in_the_batch(model: RecognitionModel):
    model.eval()
    together = model(waveforms(6))
    alone = torch.cat([model(window[None]) for window in waveforms(6)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_dropout_drops_embeddings_in_training_only_and_never_logits():
    head = LinearHead(8, 11, "mean_max", 0.2)
    embeddings = torch.ones(200, 8, 3)
    with torch.no_grad():
        head.linear.weight.fill_(1.0)
        head.linear.bias.fill_(5.0)
    dropped = head.train()(embeddings).logits
    assert len(dropped.unique()) > 2
    assert dropped.min() >= 5  # a dropped logit would be 0
    assert (head.eval()(embeddings).logits == 5 + head.embedding_size).all()


def test_attention_weighs_each_instruments_steps_by_weights_that_sum_to_1():
    torch.manual_seed(0)
    head = AttentionHead(8, 5, 0.0).eval()
    embeddings = torch.randn(3, 8, 7)
    output = head(embeddings)
    assert output.attention is not None
    assert output.attention.shape == (3, 5, 7)
    torch.testing.assert_close(output.attention.sum(dim=2), torch.ones(3, 5))
    step_logits = torch.einsum("is,bst->bit", head.scores.weight, embeddings) + head.scores.bias[:, None]
    torch.testing.assert_close(output.logits, (output.attention * step_logits).sum(dim=2))
    with torch.no_grad():  # without preference for any step it is the mean over steps
        head.attention.weight.zero_()
    torch.testing.assert_close(head(embeddings).logits, step_logits.mean(dim=2))


def test_a_full_scale_of_loudness_stays_finite(model: RecognitionModel):
    model.eval()
    extremes = torch.stack([torch.zeros(4000), torch.ones(4000), waveforms(1)[0].sign()])
    assert torch.isfinite(model(extremes)).all()


def test_the_same_seed_draws_the_same_weights():
    first, again, other = (tiny_model(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_half_precision_is_close_to_single():
    model = tiny_model().eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(waveforms())
    torch.testing.assert_close(mixed.float(), model(waveforms()), atol=0.05, rtol=0.05)


def test_a_sound_that_plays_for_a_part_of_the_window_shows_in_the_maximum():
    network, head = Cnn((4, 8)).eval(), LinearHead(8, 11, "mean_max", 0.0).eval()
    features = torch.zeros(2, 1, 16, 64)
    features[1, 0, :, 30:34] = 5.0
    with torch.no_grad():
        silent, sounding = head(network(features)).embedding
    assert head.embedding_size == len(silent) == 16
    # the second half is the maximum over frames, which does not fade with the window's length
    assert (sounding[8:] - silent[8:]).abs().max() > 4 * (sounding[:8] - silent[:8]).abs().max()


@pytest.mark.parametrize(("bands", "frames"), [(16, 32), (15, 29)])
def test_the_stem_keeps_the_largest_of_two_bands_and_four_frames(bands: int, frames: int):
    stem = Stem(3).eval()
    features = torch.randn(2, 1, bands, frames)
    with torch.no_grad():
        whole, kept = stem[0](features), stem(features)
    assert kept.shape == (2, 3, 8, 8)
    for band, frame in ((0, 0), (3, 5), (7, 7)):
        largest = whole[:, :, 2 * band : 2 * band + 2, 4 * frame : 4 * frame + 4].amax(dim=(2, 3))
        scale = (1 + stem[2].eps) ** 0.5  # of the fresh normalisation, whose mean is 0 and variance 1
        torch.testing.assert_close(kept[:, :, band, frame], largest.clamp(min=0) / scale)


def build(parts: Parts = MODELS["cnn"], **changes: object) -> RecognitionModel:
    arguments = {"frontend": parts.frontend, "backbone": parts.backbone, "head": parts.head, "instruments": 11}
    arguments |= {"sample_rate_hz": 8000, "window_samples": 4000, "normalisation": parts.normalisation}
    return build_model(**(arguments | changes))


@pytest.mark.parametrize("bands", [15, 17])
def test_statistics_of_another_front_end_are_refused(bands: int):
    other = Normalisation(kind="per_band", mean=((0.0,) * bands,), std=((1.0,) * bands,), frames=1)
    with pytest.raises(ValueError, match=rf"needs \[16\] values, one a band; found \[{bands}\]"):
        build(normalisation=other)


def test_backbones_take_the_features_they_are_made_for():
    with pytest.raises(ValueError, match="backbone waveform_cnn takes waveforms, and front end logmel makes spectra"):
        build(backbone=WAVEFORM_NETWORK)
    with pytest.raises(ValueError, match="backbone cnn takes spectra, and front end waveform makes waveforms"):
        build(RAW, backbone=NETWORK)


@pytest.mark.parametrize("parts", [Parts(), RAW], ids=["cnn", "waveform_cnn"])
def test_our_own_networks_have_no_pretrained_weights(parts: Parts):
    message = f"{parts.backbone.kind} has no pretrained weights; set `pretrained: false` in its recipe"
    with pytest.raises(PretrainedWeightsError, match=message):
        build(parts, pretrained=True)


def test_a_waveform_cannot_be_shifted_in_pitch():
    with pytest.raises(ValueError, match="a test-time pitch shift moves a power spectrum"):
        RAW.build(pitch_shift_semitones=1.0)


def test_a_relative_waveform_has_the_same_features_at_any_gain():
    frontend = RAW.build().frontend
    torch.testing.assert_close(frontend(0.01 * waveforms()), frontend(waveforms()), rtol=1e-4, atol=1e-4)
    assert not frontend(torch.zeros(1, 4000)).any()


def shifting(semitones: float) -> RecognitionModel:
    return Parts(frontend=FRONTEND).build(seed=3, pitch_shift_semitones=semitones).eval()


def test_logits_are_the_mean_over_pitch_shifts_and_embeddings_those_of_the_window_as_it_is():
    plain, model = shifting(0.0), shifting(4.0)
    power = plain.frontend.power(waveforms())
    centres = plain.frontend.axes.band_centres_hz
    lower, higher = (warp_matrices(centres, torch.tensor([2.0 ** (step / 12)]))[0] for step in (-4, 4))
    with torch.no_grad():
        outputs = [plain.forward_power(each) for each in (power, lower @ power, higher @ power)]
        output = model.forward_power(power)
        torch.testing.assert_close(output.logits, torch.stack([each.logits for each in outputs]).mean(dim=0))
        torch.testing.assert_close(output.embedding, outputs[0].embedding)
        torch.testing.assert_close(model(waveforms()), output.logits)
        assert not torch.allclose(output.logits, outputs[0].logits)


def test_pitch_shifts_are_no_weights():
    assert shifting(2.0).state_dict().keys() == shifting(0.0).state_dict().keys()
