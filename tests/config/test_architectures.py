"""A network that cannot take the model's spectrograms is refused before any work, also where it is not selected."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from instrumentarium.config.bases import with_bases
from instrumentarium.config.check import check_architectures
from instrumentarium.config.whole import Params, load_params
from instrumentarium.runtime.section import ParamsError, read_yaml

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
Load = Callable[..., Params]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a loader of params.yaml whose only image network is `resnext`, with another architecture."""

    def loaded(architecture: str, **changes: object) -> Params:
        values = with_bases(read_yaml(COMMITTED)) | changes
        models = values["models"]
        assert isinstance(models, dict)
        values["models"] = {name: models[name] for name in ("cnn", "resnext", "waveform")}
        values["models"]["resnext"]["backbone"]["architecture"] = architecture
        YAML(typ="safe").dump(values, tmp_path / "params.yaml")
        return load_params(tmp_path / "params.yaml")

    return loaded


@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit", "swin_tiny_patch4_window7_224"])
def test_networks_that_take_any_size_or_are_given_theirs_pass(load: Load, architecture: str):
    check_architectures(load(architecture))


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("nest_tiny", "'nest_tiny' cannot take spectrograms of "),
        ("resnext50_32x4", "timm has no 'resnext50_32x4'; closest: "),
    ],
)
def test_others_are_refused_also_where_they_are_not_selected(load: Load, architecture: str, message: str):
    for model in ("cnn", "resnext"):
        with pytest.raises(ParamsError) as info:
            check_architectures(load(architecture, model=model))
        assert f"models.resnext.backbone.architecture: {message}" in str(info.value)


def test_the_front_end_that_is_selected_counts_as_well(load: Load):
    params = load("nest_tiny", model="resnext", frontend="mel128")
    with pytest.raises(ParamsError, match="'nest_tiny' cannot take spectrograms of 128 bands and 201 frames"):
        check_architectures(params)


def test_spectrograms_that_are_too_small_are_refused_also_on_another_collection(load: Load):
    frontends = with_bases(read_yaml(COMMITTED))["frontends"]
    assert isinstance(frontends, dict)
    frontends["mel128"]["n_mels"] = 24
    message = "takes spectrograms of at least 32 bands and 32 frames, and the front end makes 24 × 301 of a window"
    with pytest.raises(ParamsError, match=f"models.resnext.backbone.architecture: 'test_convnext' {message}"):
        check_architectures(load("test_convnext", frontends=frontends))
