import huggingface_hub
import pytest
import timm
import torch
from timm.models import _builder

from instrumentarium.models.backbones.image import (
    ImageNetwork,
    PretrainedWeightsError,
    UnknownArchitectureError,
    WindowLengthError,
    check_architecture,
    find_layout,
)
from instrumentarium.runtime.errors import UserError

SMALL = "test_resnet"


@pytest.mark.parametrize("architecture", ["test_resnet", "resnext50_32x4d", "mobilenetv3_small_050", "test_convnext"])
def test_embeddings_have_the_size_that_is_announced_at_every_step(architecture: str):
    network = ImageNetwork(architecture, (1, 64, 96), pretrained=False).eval()
    with torch.no_grad():
        embeddings = network(torch.randn(2, 1, 64, 96))
    assert embeddings.ndim == 3
    assert embeddings.shape[:2] == (2, network.size)
    assert 1 < embeddings.shape[2] < 96


def test_bands_are_averaged_and_steps_kept():
    network = ImageNetwork(SMALL, (1, 64, 96), pretrained=False).eval()
    features = torch.randn(2, 1, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network(features), network.network.forward_features(features).mean(dim=2))


def test_spectrograms_of_any_shape_fit():
    network = ImageNetwork(SMALL, (1, 64, 96), pretrained=False).eval()
    for bands, frames in ((16, 5), (64, 97), (128, 301)):
        assert network(torch.randn(1, 1, bands, frames)).shape[:2] == (1, network.size)


def test_pretrained_weights_are_asked_for_only_if_wanted(monkeypatch: pytest.MonkeyPatch):
    calls = []

    def create_model(*args: object, **kwargs: object) -> torch.nn.Module:
        if torch.get_default_device().type != "meta":
            calls.append((args, kwargs))
        return real(*args, **{**kwargs, "pretrained": False})

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", create_model)
    for pretrained in (False, True):
        ImageNetwork(SMALL, (1, 64, 96), pretrained=pretrained)
    assert [(args, kwargs["pretrained"], kwargs["in_chans"]) for args, kwargs in calls] == [
        ((SMALL,), False, 1),
        ((SMALL,), True, 1),
    ]


def test_pretrained_weights_are_loaded_and_summed_over_the_colours(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(1)
    published = timm.create_model(SMALL, pretrained=False).state_dict()
    monkeypatch.setattr(_builder, "load_state_dict_from_hf", lambda *args, **kwargs: dict(published))
    torch.manual_seed(2)
    loaded = ImageNetwork(SMALL, (1, 64, 96), pretrained=True).network.state_dict()
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
        ImageNetwork(SMALL, (1, 64, 96), pretrained=True)
    for part in ("pretrained weights of test_resnet", "could not be fetched", "HF_HOME", "set `pretrained: false`"):
        assert part in str(info.value)
    assert isinstance(info.value, UserError)
    assert info.value.__cause__ is not None


@pytest.mark.parametrize("cause", [ConnectionError(), OSError("no route to host\nsecond line"), RuntimeError("\n")])
def test_any_failure_to_fetch_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, cause: Exception):
    def fail(*args: object, **kwargs: object) -> torch.nn.Module:
        if kwargs["pretrained"]:
            raise cause
        return real(*args, **kwargs)

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(PretrainedWeightsError, match=f"fetched from the hub \\({type(cause).__name__}") as info:
        ImageNetwork(SMALL, (1, 64, 96), pretrained=True)
    assert "second line" not in str(info.value)
    assert "\n" not in str(info.value)


def test_a_failure_without_pretrained_weights_is_not_blamed_on_them(monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object, **kwargs: object) -> torch.nn.Module:
        if torch.get_default_device().type != "meta":
            raise RuntimeError("no such layer")
        return real(*args, **kwargs)

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(RuntimeError, match="no such layer") as info:
        ImageNetwork(SMALL, (1, 64, 96), pretrained=False)
    assert not isinstance(info.value, PretrainedWeightsError)


def test_a_misspelt_architecture_names_the_closest():
    with pytest.raises(
        UnknownArchitectureError, match=r"timm has no 'resnext50_32x4'; closest: .*resnext50_32x4d"
    ) as info:
        ImageNetwork("resnext50_32x4", (1, 64, 96), pretrained=False)
    assert "timm.list_models()" in str(info.value)
    assert isinstance(info.value, UserError)
    with pytest.raises(UnknownArchitectureError, match="timm has no '§§§'; closest: none"):
        check_architecture("§§§")
    check_architecture("resnext50_32x4d")


@pytest.mark.parametrize("architecture", ["resnext50_32x4d", "mobilenetv3_small_050", "test_convnext"])
def test_the_target_of_grad_cam_takes_in_a_map_of_channels_first(architecture: str):
    network = ImageNetwork(architecture, (1, 64, 96), pretrained=False).eval()
    shapes = []
    target = network.gradcam_target
    assert target is not None
    target.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    with torch.no_grad():
        network(torch.zeros(1, 1, 64, 96))
    assert [shape[:2] for shape in shapes] == [(1, network.size)]
    assert len(shapes[0]) == 4


def test_a_plain_transformer_has_no_map():
    assert ImageNetwork("test_vit", (1, 64, 96), pretrained=False).gradcam_target is None


OF_ONE_SIZE = {  # and the steps of 61 frames
    "swin_tiny_patch4_window7_224": 2,
    "maxvit_tiny_tf_224": 2,
    "eva02_tiny_patch14_224": 5,
    "hiera_tiny_224": 2,
    "beit_base_patch16_224": 4,
    "coatnet_0_rw_224": 2,
}


@pytest.mark.parametrize(("architecture", "steps"), OF_ONE_SIZE.items(), ids=list(OF_ONE_SIZE))
def test_other_transformers_are_built_for_the_window(architecture: str, steps: int):
    with torch.device("meta"), torch.no_grad():
        network = ImageNetwork(architecture, (1, 50, 61), pretrained=False).eval()
        assert network(torch.zeros(2, 1, 50, 61)).shape == (2, network.size, steps)
        assert network(torch.zeros(2, 1, 50, 40)).shape == (2, network.size, steps)
        with pytest.raises(WindowLengthError, match=r"found 50 × 99; take the window length it was trained with"):
            network(torch.zeros(2, 1, 50, 99))


def test_features_are_padded_behind_their_last_band_and_frame():
    network = ImageNetwork("test_vit3", (1, 50, 61), pretrained=False).eval()
    assert network.padded is None
    swin = ImageNetwork("swinv2_cr_tiny_224", (1, 50, 61), pretrained=False).eval()
    assert swin.padded == (64, 64)
    features = torch.randn(1, 1, 50, 61)
    padded = torch.zeros(1, 1, 64, 64)
    padded[:, :, :50, :61] = features
    with torch.no_grad():
        torch.testing.assert_close(swin(features), swin(padded))


def test_tokens_keep_their_places_in_time():
    torch.manual_seed(0)
    network = ImageNetwork("hiera_tiny_224", (1, 32, 128), pretrained=False).eval()
    features = torch.zeros(2, 1, 32, 128)
    features[1, :, :, 104:] = 1.0  # within the last of four steps
    with torch.no_grad():
        silent, sounding = network(features)
    change = (sounding - silent).abs().mean(dim=0)
    assert change.argmax() == 3


@pytest.mark.parametrize("architecture", ["nest_tiny", "efficientformer_l1", "crossvit_tiny_240"])
def test_what_cannot_be_built_for_the_window_says_so(architecture: str):
    with pytest.raises(UnknownArchitectureError, match=f"{architecture}' cannot take spectrograms of 64 bands and 97"):
        find_layout(architecture, (1, 64, 97))


def test_three_channels_keep_the_weights_of_the_colours(monkeypatch: pytest.MonkeyPatch):
    published = timm.create_model(SMALL, pretrained=False).state_dict()
    monkeypatch.setattr(_builder, "load_state_dict_from_hf", lambda *args, **kwargs: dict(published))
    loaded = ImageNetwork(SMALL, (3, 64, 96), pretrained=True)
    first = next(name for name, weights in published.items() if weights.ndim == 4)
    assert torch.equal(loaded.network.state_dict()[first], published[first])
    assert loaded(torch.zeros(2, 3, 64, 96)).shape[:2] == (2, loaded.size)


@pytest.mark.parametrize(("size", "steps"), [((64, 61), 4), ((128, 301), 19), ((16, 20), 2)])
def test_a_vision_transformer_takes_spectrograms_of_any_size(size: tuple[int, int], steps: int):
    network = ImageNetwork("test_vit", (1, 64, 96), pretrained=False).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, *size)).shape == (2, network.size, steps)
