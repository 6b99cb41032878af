"""What params.yaml selects: by the model's entry, or apart from it; what does not fit together is refused beforehand."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.config.bases import with_bases
from instrumentarium.config.check import check_files
from instrumentarium.config.selection import write_selection
from instrumentarium.config.whole import Params
from instrumentarium.frontends.params import FRONTEND, LogMelParams
from instrumentarium.models.params import AttentionHeadParams, LinearHeadParams, PathWeights
from instrumentarium.runtime.section import ParamsError, read_section, read_yaml, validate

COMMITTED = with_bases(read_yaml(Path(__file__).resolve().parents[2] / "params.yaml"))
Load = Callable[..., Params]


@pytest.fixture
def load() -> Load:
    """Return a check of the committed params.yaml with the values at some dotted keys replaced."""

    def loaded(changes: dict[str, object]) -> Params:
        values = copy.deepcopy(COMMITTED)
        for key, value in changes.items():
            *above, last = key.split(".")
            section = values
            for part in above:
                section = section[part]  # type: ignore[assignment]
            section[last] = value
        return validate(values, Params)

    return loaded


def refusal(load: Load, changes: dict[str, object]) -> str:
    with pytest.raises(ParamsError) as info:
        load(changes)
    return str(info.value)


@pytest.mark.parametrize("collection", ["miniature", "full"])
@pytest.mark.parametrize("model", list(COMMITTED["models"]))
def test_every_model_selects_parts_that_fit(model: str, collection: str, load: Load):
    selection = load({"model": model, "collection": collection}).selection
    assert selection.problems() == []
    assert selection.frontend.makes_spectra == (model not in {"waveform", "wav2vec2", "wav2vec2_cnn"})


def test_weights_are_refused_where_none_are_published(load: Load):
    message = refusal(load, {"models.cnn.recipes.full.pretrained": True})
    assert "models.cnn.recipes.full: backbone.kind cnn has no pretrained weights" in message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"source": "url", "at": "https://a.example/net.pth", "md5": "abc"}, "pretrained.md5: String should match"),
        ({"source": "ftp"}, "pretrained: source must be hub, url, path or package"),
        ({"source": "hub", "name": "a/b"}, "pretrained.revision: is missing"),
    ],
)
def test_a_source_of_weights_is_checked(load: Load, value: object, message: str):
    assert f"models.ast.recipes.full.{message}" in refusal(load, {"models.ast.recipes.full.pretrained": value})


def test_a_source_of_weights_is_taken(load: Load):
    value = {"source": "path", "at": "weights", "md5": "0" * 32}
    params = load({"models.ast.recipes.full.pretrained": value, "model": "ast", "collection": "full"})
    assert params.selection.recipe.pretrained == PathWeights(**value)
    with pytest.raises(
        ParamsError, match=r"models.ast.recipes.full.pretrained.at: weights does not exist; name a file"
    ):
        check_files(params, Path("splits"), Path("taxonomies"), Path("overrides"))


def test_a_selector_goes_before_the_models_entry(load: Load):
    assert isinstance(load({}).selection.head, LinearHeadParams)
    selection = load({"head": "attention", "frontend": "mel128"}).selection
    assert isinstance(selection.head, AttentionHeadParams)
    assert isinstance(selection.frontend, LogMelParams)
    assert selection.frontend.n_mels == 128


@pytest.mark.parametrize("frontend", ["mfcc40", "multi3", "fbank", "cqt84", "scalogram"])
def test_every_front_end_that_makes_spectra_goes_with_a_network_over_spectra(frontend: str, load: Load):
    for model in ("cnn", "resnext"):
        selection = load({"model": model, "frontend": frontend}).selection
        assert selection.augmentation.shifts_pitch
        assert selection.windows.pitch_shift_semitones == 3
    message = refusal(load, {"model": "waveform", "frontend": frontend})
    assert (
        f"backbone waveform_cnn takes waveforms, and the front end {selection.frontend.kind} makes spectra" in message
    )


def test_each_collection_has_augmentation_and_windows_of_its_own(load: Load):
    rendered, published = (load({"collection": name}).selection for name in ("miniature", "full"))
    assert rendered.augmentation.shifts_pitch
    assert not published.augmentation.shifts_pitch
    assert rendered.windows.pitch_shift_semitones == 3
    assert published.windows.pitch_shift_semitones == 0
    assert published.windows.length_s == 3


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("head", "attentoin", "head: 'attentoin' is not a key of `heads` (allowed: attention, deep, linear_mean"),
        (
            "models.resnext.loss",
            "bec",
            "models.resnext.loss: 'bec' is not a key of `losses` (allowed: asymmetric, bce, bce_arcface",
        ),
        ("models.resnext.frontend.full", "mel", "models.resnext.frontend.full: 'mel' is not a key of `frontends`"),
        ("models.waveform.recipes.full.windows", "four", "models.waveform.recipes.full.windows: 'four' is not a key"),
    ],
)
def test_a_name_of_nothing_is_refused_also_where_it_is_not_selected(load: Load, key: str, value: str, message: str):
    assert message in refusal(load, {key: value})


def test_a_front_end_of_the_wrong_kind_is_refused(load: Load):
    assert "backbone cnn takes spectra, and the front end waveform makes waveforms" in refusal(
        load, {"frontend": "waveform", "augmentation": "waveform"}
    )
    assert "backbone waveform_cnn takes waveforms, and the front end logmel makes spectra" in refusal(
        load, {"model": "waveform", "frontend": "mel64"}
    )


def test_spectra_cannot_be_augmented_where_there_are_none(load: Load):
    message = refusal(load, {"model": "waveform", "augmentation": "strong"})
    assert "the augmentation changes spectra, and the front end waveform makes none" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"augmentation": "mild"},
        {"augmentations.strong.warp.probability": 0.0},
        {"models.cnn.recipes.full.windows": "two_seconds"},
    ],
)
def test_a_test_time_pitch_shift_is_refused_where_training_has_no_warps(load: Load, changes: dict[str, object]):
    message = refusal(load, changes)
    assert "pitch_shift_semitones is 3, and the model is trained without warps" in message


def test_a_published_classifier_is_refused_with_another_head(load: Load):
    weights = {"source": "hub", "name": "MIT/ast", "revision": "main", "classifier": {"cel": "Cello"}}
    changes: dict[str, object] = {"models.ast.recipes.full.pretrained": weights}
    load(changes)
    said = refusal(load, {**changes, "models.ast.head": "attention"})
    assert "models.ast.recipes.full: pretrained.classifier is for backbone.kind ast with a linear head" in said


def test_each_part_is_written_to_a_file_of_its_own_and_read_again(load: Load, tmp_path: Path):
    selection = load({}).selection
    write_selection(selection, tmp_path / "selected")
    assert sorted(path.name for path in (tmp_path / "selected").iterdir()) == [
        f"{name}.json" for name in ("augmentation", "backbone", "frontend", "head", "keys", "loss", "recipe", "windows")
    ]
    assert read_section(tmp_path / "selected" / "frontend.json", FRONTEND) == selection.frontend


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing; run `dvc repro`"),
        ("{", "is no JSON"),
        ("[" * 9999, "is no JSON"),
        (json.dumps({"kind": "x"}), "does not hold what"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, content: str | None, message: str):
    path = tmp_path / "frontend.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ParamsError, match=message):
        read_section(path, FRONTEND)


def test_a_window_longer_than_every_clip_is_refused_also_where_it_is_not_selected(load: Load):
    message = refusal(load, {"windows.three_seconds.length_s": 21.0})
    assert "windows.three_seconds.length_s is 21, and the longest clip of collection full lasts 20 s" in message
    load({"windows.three_seconds.length_s": 20.0})


@pytest.mark.parametrize("clip", ["irma/Part1/a-1", "own/song", "esc50/", "cel"])
def test_a_clip_to_explain_is_of_a_corpus_that_is_used(clip: str, load: Load):
    assert f"explain.clips: {clip!r} is no clip of this collection" in refusal(load, {"explain.clips": [clip]})
    load({"explain.clips": ["esc50/ESC-50-master/audio/4-158559-A-24"]})
