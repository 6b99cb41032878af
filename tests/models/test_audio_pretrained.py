"""BEATs and EfficientAT: equal to what their packages and authors compute, and loaded from files as they are published."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from model_fixtures import NETWORK
from models.test_families import BEATS
from models.test_pretrained import refusal
from openbeats.beats_encoder import BeatsEncoder
from pydantic import ValidationError
from safetensors.torch import save_file
from torchvision.models import mobilenet_v3_large

from instrumentarium.models.backbones.base import UnfitShapeError
from instrumentarium.models.backbones.build import build_backbone, check_shape
from instrumentarium.models.params import (
    USUAL_WEIGHTS,
    AstParams,
    EfficientAtParams,
    HubWeights,
    PathWeights,
    UrlWeights,
)
from instrumentarium.models.pretrained import read_checkpoint
from instrumentarium.runtime.checksums import md5_of_file

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of the package's own code

SHAPE = (1, 16, 32)
MN = EfficientAtParams(kind="efficientat", width=0.1)
CFG = {
    "input_patch_size": 4,
    "embed_dim": 10,
    "encoder_layers": 2,
    "encoder_embed_dim": 12,
    "encoder_ffn_embed_dim": 16,
    "encoder_attention_heads": 2,
    "conv_pos": 6,
    "conv_pos_groups": 2,
    "relative_position_embedding": True,
    "num_buckets": 16,
    "max_distance": 40,
    "gru_rel_pos": True,
    "deep_norm": True,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}


def source(file: Path) -> PathWeights:
    return PathWeights(source="path", at=str(file), md5=md5_of_file(file))


def published_beats(cfg: Mapping[str, object] = CFG) -> BeatsEncoder:
    """Return the package's own encoder, with all of its weights drawn at random."""
    torch.manual_seed(1)
    encoder = BeatsEncoder(0, beats_config=dict(cfg))
    for name, weights in encoder.named_parameters():
        if "_pad" not in name:
            torch.nn.init.normal_(weights, std=0.3)
    return encoder.eval()


def write_beats(path: Path, cfg: Mapping[str, object] = CFG, prefix: str = "") -> BeatsEncoder:
    """Write a checkpoint as it is published: what the network was built with, and its tensors."""
    encoder = published_beats(cfg)
    tensors = {f"{prefix}{name}": tensor for name, tensor in encoder.state_dict().items() if "_pad" not in name}
    torch.save({"cfg": dict(cfg), "model": tensors}, path)
    return encoder


@pytest.mark.parametrize("prefix", ["", "encoder."])
@pytest.mark.parametrize("frames", [32, 35, 61])
def test_beats_is_the_packages_with_published_weights(tmp_path: Path, prefix: str, frames: int):
    encoder = write_beats(tmp_path / "beats.pt", prefix=prefix)
    backbone = build_backbone(BEATS, SHAPE, pretrained=source(tmp_path / "beats.pt")).eval()
    features = torch.randn(2, 1, 16, frames)
    with torch.no_grad():
        # the package's own way in normalises: undo it
        fbank = features[:, 0].mT * (2 * encoder.fbank_std) + encoder.fbank_mean
        expected = encoder.extract_features(fbank, skip_fbank_extraction=True)[0]  # (batch, steps · bands, size)
        found = backbone(features)
    assert found.shape == (2, 12, frames // 4)
    torch.testing.assert_close(found, expected.unflatten(1, (-1, 4)).mean(dim=2).mT, atol=1e-4, rtol=1e-4)


def test_beats_fills_up_less_than_a_patch():
    backbone = build_backbone(BEATS, SHAPE).eval()
    short = torch.randn(1, 1, 16, 3)
    assert torch.equal(backbone(short), backbone(torch.nn.functional.pad(short, (0, 1))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deep_norm": False}, "its cfg has deep_norm False, ours is True"),
        ({"max_distance": 50}, "its cfg has max_distance 50, ours is 40"),
        ({"encoder_ffn_embed_dim": 18}, "its cfg has encoder_ffn_embed_dim 18, ours is 16"),
    ],
)
def test_another_beats_is_refused_also_where_its_sizes_fit(tmp_path: Path, change: dict[str, object], message: str):
    write_beats(tmp_path / "beats.pt", CFG | change)
    assert message in refusal(BEATS, source(tmp_path / "beats.pt"), SHAPE)


def test_a_beats_without_some_tensors_is_refused(tmp_path: Path):
    tensors = {name: each for name, each in published_beats().state_dict().items() if "layers.1.fc1" not in name}
    torch.save({"model": tensors}, tmp_path / "beats.pt")
    assert "encoder.layers.1.fc1.weight" in refusal(BEATS, source(tmp_path / "beats.pt"), SHAPE)


def test_the_configuration_beside_tensors_is_read_and_no_code_is(tmp_path: Path):
    write_beats(tmp_path / "beats.pt")
    assert read_checkpoint(tmp_path / "beats.pt")[1] == CFG
    torch.save({"cfg": {"path": Path("x")}, "model": {"a": torch.zeros(1)}}, tmp_path / "trap.pt")
    assert "a pickle may run code" in refusal(BEATS, source(tmp_path / "trap.pt"), SHAPE)


def test_the_published_number_of_tensors_is_ours_but_for_copies():
    # BEATs_iter3+ has 250 tensors of 12 layers, 11 of which are copies of the first layer's positions
    assert len(build_backbone(BEATS.model_copy(update={"num_hidden_layers": 12}), SHAPE).state_dict()) == 250 - 11


def published_mn(width: float) -> dict[str, torch.Tensor]:
    """Return tensors named and shaped as EfficientAT publishes them: squeeze-and-excitation by linear layers."""
    torch.manual_seed(2)
    network = mobilenet_v3_large(weights=None, width_mult=width, num_classes=527)
    network.features[0][0] = torch.nn.Conv2d(1, network.features[0][0].out_channels, 3, 2, 1, bias=False)
    tensors = {}
    for name, tensor in network.state_dict().items():
        published = re.sub(r"\.block\.(\d)\.fc", r".block.\1.conc_se_layers.0.fc", name)
        published = published.replace("classifier.0.", "classifier.2.").replace("classifier.3.", "classifier.5.")
        tensors[published] = tensor[:, :, 0, 0] if "conc_se" in published and tensor.ndim == 4 else tensor
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor + 0.1 * torch.rand(tensor.shape)
    return tensors


def test_mn10_has_as_many_weights_as_the_published_file():
    tensors = published_mn(1.0)
    assert len(tensors) == 312
    assert sum(each.numel() for each in tensors.values()) == 4_901_277
    assert tensors["features.4.block.2.conc_se_layers.0.fc1.weight"].shape == (24, 72)
    assert tensors["classifier.2.weight"].shape == (1280, 960)


def test_efficientat_takes_published_tensors_and_computes_what_they_say(tmp_path: Path):
    tensors = published_mn(0.1)
    torch.save(tensors, tmp_path / "mn.pt")
    backbone = build_backbone(MN, (1, 64, 65), pretrained=source(tmp_path / "mn.pt")).eval()
    own = backbone.state_dict()
    assert len(own) == len(tensors) - 4
    (first, *_) = (name.removesuffix("fc1.weight") for name in tensors if name.endswith("conc_se_layers.0.fc1.weight"))
    ours = first.replace("conc_se_layers.0.", "")
    assert torch.equal(own[f"{ours}fc1.weight"][:, :, 0, 0], tensors[f"{first}fc1.weight"])
    # squeeze-and-excitation as published: linear layers over the mean of each channel, and a sigmoid
    x = torch.randn(2, tensors[f"{first}fc1.weight"].shape[1], 5, 7)
    inner, outer = ([tensors[f"{first}{layer}.{each}"] for each in ("weight", "bias")] for layer in ("fc1", "fc2"))
    squeezed = torch.relu(torch.nn.functional.linear(x.mean(dim=(2, 3)), *inner))
    expected = torch.sigmoid(torch.nn.functional.linear(squeezed, *outer))[:, :, None, None] * x
    torch.testing.assert_close(backbone.get_submodule(ours.removesuffix("."))(x), expected)
    assert backbone(torch.randn(2, 1, 64, 65)).shape == (2, backbone.size, 3)


def test_another_width_or_three_channels_are_refused(tmp_path: Path):
    torch.save(published_mn(0.1), tmp_path / "mn.pt")
    wider = refusal(MN.model_copy(update={"width": 0.4}), source(tmp_path / "mn.pt"), (1, 64, 65))
    assert "holds weights of another network" in wider
    assert "`backbone.width`" in wider
    assert "they are of one channel, the front end makes 3" in refusal(MN, source(tmp_path / "mn.pt"), (3, 64, 65))


def test_a_checksum_of_either_kind_is_of_a_file():
    with pytest.raises(ValidationError, match="needs either md5 or sha256"):
        UrlWeights(source="url", at="https://a.example/net.pt")
    with pytest.raises(ValidationError, match="needs either md5 or sha256"):
        UrlWeights(source="url", at="https://a.example/net.pt", md5="0" * 32, sha256="0" * 64)
    with pytest.raises(ValidationError, match="name it with `file`"):
        HubWeights(source="hub", name="a/b", revision="main", sha256="0" * 64)


def test_usual_weights_are_of_one_version_for_good():
    for weights in USUAL_WEIGHTS.values():
        if isinstance(weights, HubWeights):
            assert re.fullmatch("[0-9a-f]{40}", weights.revision)
        else:
            assert isinstance(weights, UrlWeights)


def test_a_file_of_the_hub_is_named_and_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import huggingface_hub

    write_beats(tmp_path / "net.pt")
    asked = []

    def download(repository: str, wanted: str, *, revision: str) -> str:
        asked.append(wanted)
        return str(tmp_path / wanted)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    weights = HubWeights(source="hub", name="someone/beats", revision="v1", file="net.pt")
    build_backbone(BEATS, SHAPE, pretrained=weights)
    assert asked == ["net.pt"]
    other = weights.model_copy(update={"sha256": "0" * 64})
    assert "has the sha256 " in refusal(BEATS, other, SHAPE)


@pytest.mark.parametrize("kind", ["ast", "beats"])
def test_fewer_bands_or_frames_than_a_patch_are_refused(kind: str):
    ast = AstParams(
        kind="ast",
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        patch_size=4,
        frequency_stride=2,
        time_stride=2,
    )
    params = ast if kind == "ast" else BEATS
    with pytest.raises(
        UnfitShapeError, match=f"backbone {kind} has patches of 4 bands and frames, and a window has only"
    ):
        check_shape(params, (1, 16, 3))
    with pytest.raises(UnfitShapeError, match="takes one channel, and the front end makes 3"):
        check_shape(params, (3, 16, 32))
    assert check_shape(NETWORK, (3, 1, 1))


def test_safetensors_are_taken_as_well(tmp_path: Path):
    tensors = {name: each.contiguous().clone() for name, each in published_beats().state_dict().items()}
    save_file(tensors, tmp_path / "model.safetensors")
    backbone = build_backbone(BEATS, SHAPE, pretrained=source(tmp_path / "model.safetensors"))
    assert torch.equal(backbone.encoder.layers[1].fc1.weight, tensors["encoder.layers.1.fc1.weight"])
