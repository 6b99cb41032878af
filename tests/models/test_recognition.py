import pytest
import torch
from model_fixtures import FRONTEND, NETWORK, RATE_HZ, tiny_model

from instrumentarium.frontends.warp import warp_matrices
from instrumentarium.models.backbones.cnn import Cnn, Stem
from instrumentarium.models.backbones.image import PretrainedWeightsError
from instrumentarium.models.params import CnnParams, TimmParams
from instrumentarium.models.recognition import RecognitionModel, build_model

TIMM = TimmParams(kind="timm", architecture="test_resnet", dropout=0.2)
NETWORKS = [NETWORK, CnnParams(kind="cnn", channels=(3, 5), dropout=0.0), TIMM]


def waveforms(batch: int = 3, samples: int = 4000) -> torch.Tensor:
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(7))


@pytest.fixture(params=NETWORKS, ids=["cnn", "one block", "timm"])
def model(request: pytest.FixtureRequest) -> RecognitionModel:
    return tiny_model(network=request.param)


def test_one_logit_an_instrument_for_windows_of_any_length(model: RecognitionModel):
    model.eval()
    for batch, samples in ((1, 4000), (5, 4000), (2, 800), (1, 24000)):
        logits = model(waveforms(batch, samples))
        assert logits.shape == (batch, 11)
        assert torch.isfinite(logits).all()


def test_forward_is_front_end_normalisation_network_and_head(model: RecognitionModel):
    model.eval()
    normalised = model.normalise(model.frontend(waveforms()))
    assert normalised.shape == (3, 1, 16, 32)
    embeddings = model.embed(normalised)
    assert embeddings.shape == (3, model.backbone.embedding_size)
    torch.testing.assert_close(model.head(embeddings), model(waveforms()))


def test_the_gradient_reaches_every_parameter(model: RecognitionModel):
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.01)
    for _ in range(2):  # a residual branch whose last gain starts at 0 is reached from the second step on
        optimizer.zero_grad()
        model(waveforms(8)).square().sum().backward()
        optimizer.step()
    silent = [name for name, weights in model.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert silent == []


def test_the_map_reader_takes_in_a_map_of_the_window(model: RecognitionModel):
    shapes = []
    reader = model.backbone.map_reader
    assert reader is not None
    reader.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    model.eval()(waveforms(2))
    (shape,) = shapes
    assert len(shape) == 4
    assert shape[0] == 2
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
    model = tiny_model()
    embeddings = torch.ones(200, model.backbone.embedding_size)
    with torch.no_grad():
        model.head.weight.fill_(1.0)
        model.head.bias.fill_(5.0)
    dropped = model.train().classify(embeddings)
    assert len(dropped.unique()) > 2
    assert dropped.min() >= 5  # a dropped logit would be 0
    assert (model.eval().classify(embeddings) == 5 + embeddings.shape[1]).all()


def test_normalisation_subtracts_the_mean_and_divides_by_the_deviation_of_each_band():
    mean, std = [float(-band) for band in range(16)], [1.0 + band for band in range(16)]
    model = build_model(NETWORK, FRONTEND, sample_rate_hz=RATE_HZ, mean=mean, std=std)
    features = torch.randn(2, 1, 16, 9)
    for band in range(16):
        expected = (features[:, 0, band] - mean[band]) / std[band]
        torch.testing.assert_close(model.normalise(features)[:, 0, band], expected)


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


def test_the_network_hears_a_sound_that_plays_for_a_part_of_the_window():
    network = Cnn((4, 8)).eval()
    features = torch.zeros(2, 1, 16, 64)
    features[1, 0, :, 30:34] = 5.0
    with torch.no_grad():
        silent, sounding = network(features)
    assert network.embedding_size == len(silent) == 16
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


@pytest.mark.parametrize("bands", [15, 17])
def test_statistics_of_another_front_end_are_refused(bands: int):
    with pytest.raises(ValueError, match=f"mean and std need 16 values, one a band; found {bands} and 16"):
        build_model(NETWORK, FRONTEND, sample_rate_hz=RATE_HZ, mean=[0.0] * bands, std=[1.0] * 16)


def test_the_small_network_has_no_pretrained_weights():
    message = "cnn has no pretrained weights; set `pretrained: false` in its recipe"
    with pytest.raises(PretrainedWeightsError, match=message):
        build_model(NETWORK, FRONTEND, sample_rate_hz=RATE_HZ, mean=[0.0] * 16, std=[1.0] * 16, pretrained=True)


def transposing(semitones: float) -> RecognitionModel:
    torch.manual_seed(3)
    mean, std = [0.0] * 16, [1.0] * 16
    return build_model(
        NETWORK, FRONTEND, sample_rate_hz=RATE_HZ, mean=mean, std=std, pitch_shift_semitones=semitones
    ).eval()


def test_logits_are_the_mean_over_transpositions_and_embeddings_those_of_the_window_as_it_is():
    plain, model = transposing(0.0), transposing(4.0)
    power = plain.frontend.power(waveforms())
    centres = plain.frontend.band_centres_hz
    lower, higher = (warp_matrices(centres, torch.tensor([2.0 ** (step / 12)]))[0] for step in (-4, 4))
    with torch.no_grad():
        heard = [plain.hear(each) for each in (power, lower @ power, higher @ power)]
        logits, embeddings = model.hear(power)
        torch.testing.assert_close(logits, torch.stack([each for each, _ in heard]).mean(dim=0))
        torch.testing.assert_close(embeddings, heard[0][1])
        torch.testing.assert_close(model(waveforms()), logits)
        assert not torch.allclose(logits, heard[0][0])


def test_transpositions_are_no_weights():
    assert transposing(2.0).state_dict().keys() == transposing(0.0).state_dict().keys()
