"""Where models and their thresholds come from."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from predicting.made import write_thresholds

from instrumentarium.evaluation.thresholds import ThresholdsError
from instrumentarium.predicting import modelsource
from instrumentarium.predicting.modelsource import UnknownModelError, find_model, read_thresholds, thresholds_of
from taxonomies import BAND3, IRMAS11


def test_a_model_is_named_by_its_folder_or_a_file_in_it(model: Path):
    for path in (model, model / "model.json", model / "model.safetensors"):
        assert find_model(str(path)) == model


def test_what_is_neither_a_folder_nor_a_revision_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UnknownModelError, match=r"nonsense is no folder with a model, and .*there is no DVC repository"
    ):
        find_model("nonsense")


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "thresholds.json"])
def test_a_revisions_model_that_is_damaged_in_the_users_cache_is_fetched_again(
    model: Path, cache: Path, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    (model.parent / "thresholds.json").rename(model / "thresholds.json")
    fetched = []

    class Repository:
        commit = "0123456789"

        def has(self, path: Path) -> bool:
            return False  # no thresholds beside the folder

        def fetch(self, path: Path, folder: Path) -> None:
            fetched.append(path)
            shutil.copytree(model, folder / path)

    @contextmanager
    def opened(repository: Path, revision: str) -> Iterator[Repository]:
        yield Repository()

    monkeypatch.setattr(modelsource, "open_revision", opened)
    kept = find_model("main")
    assert kept == cache / "models" / "0123456789" / "model"
    assert find_model("main") == kept
    assert len(fetched) == 1
    content = (kept / name).read_bytes()
    (kept / name).write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
    assert find_model("main") == kept
    assert len(fetched) == 2
    assert (kept / name).read_bytes() == content
    assert "fetched again: " in caplog.text
    assert name in caplog.text


def test_thresholds_in_the_models_folder_go_before_those_beside_it(model: Path):
    assert thresholds_of(model) == model.parent / "thresholds.json"
    write_thresholds(model / "thresholds.json", IRMAS11.codes, 0.4)
    assert thresholds_of(model) == model / "thresholds.json"
    limits, temperature = read_thresholds(thresholds_of(model), IRMAS11.codes)
    assert limits.tolist() == [0.4] * len(IRMAS11)
    assert temperature == 1.0


def test_thresholds_of_other_instruments_than_the_models_are_refused(model: Path):
    message = r"thresholds.json: thresholds are of the instruments cel, .*wanted are those of banjo, bass, steel_drums"
    with pytest.raises(ThresholdsError, match=message):
        read_thresholds(thresholds_of(model), BAND3.codes)
