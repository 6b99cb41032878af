import huggingface_hub
import pytest
import timm
import torch
from timm.models import _builder

from instrumentarium.models.backbones.image import (
    ImageNetwork,
    PretrainedWeightsError,
    UnknownArchitectureError,
    check_architecture,
)
from instrumentarium.runtime.errors import UserError

SMALL = "test_resnet"


@pytest.mark.parametrize("architecture", ["test_resnet", "resnext50_32x4d", "mobilenetv3_small_050", "test_convnext"])
def test_embeddings_have_the_size_that_is_announced_at_every_step(architecture: str):
    network = ImageNetwork(architecture, pretrained=False).eval()
    with torch.no_grad():
        embeddings = network(torch.randn(2, 1, 64, 96))
    assert embeddings.ndim == 3
    assert embeddings.shape[:2] == (2, network.size)
    assert 1 < embeddings.shape[2] < 96


def test_bands_are_averaged_and_steps_kept():
    network = ImageNetwork(SMALL, pretrained=False).eval()
    features = torch.randn(2, 1, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network(features), network.network.forward_features(features).mean(dim=2))


def test_spectrograms_of_any_shape_fit():
    network = ImageNetwork(SMALL, pretrained=False).eval()
    for bands, frames in ((16, 5), (64, 97), (128, 301)):
        assert network(torch.randn(1, 1, bands, frames)).shape[:2] == (1, network.size)


def test_pretrained_weights_are_asked_for_only_if_wanted(monkeypatch: pytest.MonkeyPatch):
    calls = []

    def create_model(*args: object, **kwargs: object) -> torch.nn.Module:
        calls.append((args, kwargs))
        return real(*args, **{**kwargs, "pretrained": False})

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", create_model)
    for pretrained in (False, True):
        ImageNetwork(SMALL, pretrained=pretrained)
    assert [(args, kwargs["pretrained"], kwargs["in_chans"]) for args, kwargs in calls] == [
        ((SMALL,), False, 1),
        ((SMALL,), True, 1),
    ]


def test_pretrained_weights_are_loaded_and_summed_over_the_colours(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(1)
    published = timm.create_model(SMALL, pretrained=False).state_dict()
    monkeypatch.setattr(_builder, "load_state_dict_from_hf", lambda *args, **kwargs: dict(published))
    torch.manual_seed(2)
    loaded = ImageNetwork(SMALL, pretrained=True).network.state_dict()
    first = next(name for name, weights in published.items() if weights.ndim == 4)
    torch.testing.assert_close(loaded[first], published[first].sum(dim=1, keepdim=True))
    assert loaded[first].shape[1] == 1
    others = [name for name in loaded if name != first]
    assert len(others) > 10
    assert all(torch.equal(loaded[name], published[name]) for name in others)


def test_pretrained_weights_that_cannot_be_reached_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PretrainedWeightsError) as info:
        ImageNetwork(SMALL, pretrained=True)
    for part in ("pretrained weights of test_resnet", "could not be fetched", "HF_HOME", "set `pretrained: false`"):
        assert part in str(info.value)
    assert isinstance(info.value, UserError)
    assert info.value.__cause__ is not None


@pytest.mark.parametrize("cause", [ConnectionError(), OSError("no route to host\nsecond line"), RuntimeError("\n")])
def test_any_failure_to_fetch_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, cause: Exception):
    def fail(*args: object, **kwargs: object) -> None:
        raise cause

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(PretrainedWeightsError, match=f"fetched from the hub \\({type(cause).__name__}") as info:
        ImageNetwork(SMALL, pretrained=True)
    assert "second line" not in str(info.value)
    assert "\n" not in str(info.value)


def test_a_failure_without_pretrained_weights_is_not_blamed_on_them(monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(RuntimeError, match="no such layer") as info:
        ImageNetwork(SMALL, pretrained=False)
    assert not isinstance(info.value, PretrainedWeightsError)


def test_a_misspelt_architecture_names_the_closest():
    with pytest.raises(
        UnknownArchitectureError, match=r"timm has no 'resnext50_32x4'; closest: .*resnext50_32x4d"
    ) as info:
        ImageNetwork("resnext50_32x4", pretrained=False)
    assert "timm.list_models()" in str(info.value)
    assert isinstance(info.value, UserError)
    with pytest.raises(UnknownArchitectureError, match="timm has no '§§§'; closest: none"):
        check_architecture("§§§")
    check_architecture("resnext50_32x4d")


@pytest.mark.parametrize("architecture", ["resnext50_32x4d", "mobilenetv3_small_050", "test_convnext"])
def test_the_target_of_grad_cam_takes_in_a_map_of_channels_first(architecture: str):
    network = ImageNetwork(architecture, pretrained=False).eval()
    shapes = []
    target = network.gradcam_target
    assert target is not None
    target.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    with torch.no_grad():
        network(torch.zeros(1, 1, 64, 96))
    assert [shape[:2] for shape in shapes] == [(1, network.size)]
    assert len(shapes[0]) == 4


def test_a_plain_transformer_has_no_map():
    assert ImageNetwork("test_vit", pretrained=False).gradcam_target is None


def test_a_transformer_with_channels_last_is_averaged_over_bands():
    network = ImageNetwork("swin_tiny_patch4_window7_224", pretrained=False).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 224, 224)).shape == (1, network.size, 7)


def test_features_without_bands_are_refused():
    network = ImageNetwork("hiera_tiny_224", pretrained=False).eval()
    with torch.no_grad(), pytest.raises(UnknownArchitectureError, match="are no map over bands and frames; choose"):
        network(torch.zeros(1, 1, 224, 224))


@pytest.mark.parametrize(("size", "steps"), [((64, 61), 4), ((128, 301), 19), ((16, 20), 2)])
def test_a_vision_transformer_takes_spectrograms_of_any_size(size: tuple[int, int], steps: int):
    network = ImageNetwork("test_vit", pretrained=False).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, *size)).shape == (2, network.size, steps)
