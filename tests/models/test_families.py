"""Every family of backbones: trained for some steps, saved, loaded, run, and exported where that is promised."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from frontends.signals import CPJKU
from model_fixtures import ATTENTION, MEAN_HEAD, RAW, RELATIVE, Parts, noise_clips

from instrumentarium.models.modelfile import save_model
from instrumentarium.models.params import (
    AstParams,
    BeatsParams,
    CnnParams,
    CrnnParams,
    EfficientAtParams,
    LstmParams,
    TimmParams,
    Wav2Vec2Params,
)
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.predicting.exporting import export_model
from instrumentarium.predicting.onnxfile import OnnxRecognizer
from instrumentarium.predicting.onnxgraph import OnnxExportError
from instrumentarium.scoring.recognizer import Recognizer

SIZES = {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
AST = AstParams(kind="ast", patch_size=8, frequency_stride=4, time_stride=4, **SIZES)
BEATS = BeatsParams(
    kind="beats",
    patch_size=4,
    embed_dim=10,
    conv_pos=6,
    conv_pos_groups=2,
    num_buckets=16,
    max_distance=40,
    deep_norm=True,
    **(SIZES | {"num_hidden_layers": 2}),
)
WAV2VEC2 = Wav2Vec2Params(
    kind="wav2vec2",
    encoder=True,
    conv_dim=(8,) * 7,
    feat_extract_norm="group",
    do_stable_layer_norm=False,
    **(SIZES | {"hidden_size": 32}),  # its convolutional positions have 16 groups
)
LSTM = LstmParams(kind="lstm", hidden=6, layers=2, bidirectional=True, dropout=0.1)
CRNN = CrnnParams(kind="crnn", channels=(4, 6, 8), hidden=5, layers=1, dropout=0.0)


def timm(architecture: str) -> Parts:
    return Parts(backbone=TimmParams(kind="timm", architecture=architecture), head=MEAN_HEAD)


FAMILIES = {
    "cnn": Parts(backbone=CnnParams(kind="cnn", channels=(4, 8))),
    "waveform": RAW,
    "resnet": timm("test_resnet"),
    "efficientnet": timm("test_efficientnet"),
    "mobilenet": timm("mobilenetv3_small_050"),
    "convnext": replace(timm("test_convnext"), frontend=RELATIVE.model_copy(update={"n_mels": 32, "hop_length": 64})),
    "vit": timm("test_vit"),
    "lstm": Parts(backbone=LSTM, head=MEAN_HEAD),
    "lstm with attention": Parts(backbone=LSTM, head=ATTENTION),
    "crnn": Parts(backbone=CRNN),
    "ast": Parts(backbone=AST, head=MEAN_HEAD),
    "beats": Parts(backbone=BEATS, head=MEAN_HEAD),
    "efficientat": Parts(CPJKU, EfficientAtParams(kind="efficientat", width=0.1), MEAN_HEAD),
    "wav2vec2": replace(RAW, backbone=WAV2VEC2, head=MEAN_HEAD),
    "wav2vec2 convolutions": replace(RAW, backbone=WAV2VEC2.model_copy(update={"encoder": False})),
}


def trained(parts: Parts, steps: int = 3) -> RecognitionModel:
    """Return a model after some steps on noise, all of whose weights have moved."""
    model = parts.build(pitch_shift_semitones=parts.card().windows.pitch_shift_semitones).train()
    before = {name: weights.detach().clone() for name, weights in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    waveforms = 0.1 * torch.randn(4, 4000, generator=torch.Generator().manual_seed(1))
    targets = torch.arange(4)[:, None].eq(torch.arange(len(parts.taxonomy)) % 4).float()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(waveforms), targets)
        loss.backward()
        optimizer.step()
    assert torch.isfinite(loss)
    still = [name for name, weights in model.named_parameters() if torch.equal(weights, before[name])]
    assert still == []
    return model.eval()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_trains_is_saved_loaded_and_run(name: str, tmp_path: Path):
    parts = FAMILIES[name]
    model = trained(parts)
    save_model(tmp_path, model.state_dict(), parts.card())
    recognizer = Recognizer.load(tmp_path, torch.device("cpu"))
    for samples in (2500, 4000, 9000):
        windows = np.stack(noise_clips([samples] * 2))
        scores = recognizer.windows(windows)[:, : len(parts.taxonomy)]
        with torch.inference_mode():
            expected = model(torch.from_numpy(windows.astype(np.float32) / 32768)).sigmoid()
        np.testing.assert_allclose(scores, expected, atol=1e-4)
        assert len(np.unique(scores)) > len(parts.taxonomy)
    if name == "vit":
        with pytest.raises(OnnxExportError, match=r"this network cannot be exported to ONNX: .*bicubic"):
            export_model(tmp_path, tmp_path / "model.onnx", None)
        return
    export_model(tmp_path, tmp_path / "model.onnx", None)
    exported = OnnxRecognizer.load(tmp_path, tmp_path / "model.onnx").windows(windows)
    np.testing.assert_allclose(exported, scores, atol=1e-4)


@pytest.mark.parametrize("name", ["lstm", "crnn", "ast", "beats", "wav2vec2", "wav2vec2 convolutions"])
def test_embeddings_have_the_size_that_is_announced_and_follow_time(name: str):
    model = FAMILIES[name].build().eval()
    waveforms = 0.1 * torch.randn(3, 4000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = model.normalise(model.frontend(waveforms))
        embeddings = model.backbone(features)
        features[..., features.shape[-1] * 3 // 4 :] += 3.0
        changed = (model.backbone(features) - embeddings).abs().mean(dim=(0, 1))
    assert embeddings.shape[:2] == (3, model.backbone.size)
    assert embeddings.shape[2] == len(changed) > 4
    assert changed[-2:].mean() > changed[:2].mean()
    if name not in {"ast", "beats", "wav2vec2"}:
        assert changed[:2].mean() < 0.5 * changed[-2:].mean()


@pytest.mark.parametrize("name", ["crnn", "efficientat", "wav2vec2 convolutions"])
def test_convolutions_have_a_map_for_grad_cam(name: str):
    model = FAMILIES[name].build().eval()
    shapes = []
    target = model.backbone.gradcam_target
    assert target is not None
    target.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    model(torch.zeros(2, 4000))
    assert len(shapes[0]) == (3 if name == "wav2vec2 convolutions" else 4)


@pytest.mark.parametrize("name", ["lstm", "ast", "beats", "wav2vec2"])
def test_others_have_none(name: str):
    assert FAMILIES[name].build().backbone.gradcam_target is None


def test_ast_is_that_of_transformers_with_positions_for_our_window():
    backbone = FAMILIES["ast"].build().eval().backbone
    features = torch.randn(2, 1, 16, 32)
    torch.nn.init.normal_(backbone.network.embeddings.position_embeddings)
    with torch.no_grad():
        expected = backbone.network(features[:, 0].transpose(1, 2)).last_hidden_state[:, 2:]
        found = backbone(features)
    bands, steps = backbone.grid(16, 32)
    torch.testing.assert_close(found, expected.transpose(1, 2).unflatten(2, (bands, steps)).mean(dim=2))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_state_of_one_direction_knows_nothing_of_what_follows(bidirectional: bool):
    parts = Parts(backbone=LSTM.model_copy(update={"bidirectional": bidirectional}))
    network = parts.build().eval().backbone
    features = torch.randn(1, 1, 16, 32)
    later = features.clone()
    later[..., 20:] += 1.0
    with torch.no_grad():
        same = torch.equal(network(features)[..., :20], network(later)[..., :20])
    assert same != bidirectional


def test_gradients_pass_through_recurrent_layers_in_evaluation():
    for name in ("lstm", "crnn"):
        network = FAMILIES[name].build().eval().backbone
        features = torch.randn(1, 1, 16, 32, requires_grad=True)
        network(features).sum().backward()
        assert features.grad is not None
        assert features.grad.abs().sum() > 0


@pytest.mark.parametrize("name", FAMILIES)
def test_every_backbone_knows_its_blocks_which_differ_and_hold_its_weights(name: str):
    backbone = FAMILIES[name].build().backbone
    blocks = backbone.blocks_in_order()
    assert len({block.name for block in blocks}) == len(blocks) > 1
    place = {id(weights): number for number, block in enumerate(blocks) for weights in block.weights}
    assert len(place) == sum(len(block.weights) for block in blocks)
    found = [place[id(weights)] for weights in backbone.parameters() if id(weights) in place]
    assert set(found) == set(range(len(blocks)))
    if name != "beats":  # whose norm before the layers lies behind them
        assert found == sorted(found)
    outside = [name for name, weights in backbone.named_parameters() if id(weights) not in place]
    assert all("norm" in name or "pos_conv" in name for name in outside), outside
