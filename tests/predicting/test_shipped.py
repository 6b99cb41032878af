"""The model that comes with the package: what it is, what it says, and when it is used."""

import json
import logging
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from scripts import load_script
from typer.testing import CliRunner

import instrumentarium
from instrumentarium.commands.app import app
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Note, Touch, play
from instrumentarium.miniature.synthesis.soundfont import load_soundfont
from instrumentarium.models.modelfile import ModelFileError, load_model
from instrumentarium.predicting.loading import model_card
from instrumentarium.predicting.modelsource import SHIPPED, default_model, read_thresholds, thresholds_of
from instrumentarium.runtime.sealed import read_seal
from instrumentarium.serving import running

ROOT = Path(__file__).resolve().parents[2]
FILES = {"README.md", "model.json", "model.safetensors", "thresholds.json"}
MOST_BYTES = 5_000_000
SAID = "holds no trained model: this is the small one that comes with instrumentarium"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder of no repository."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    return load_script(".ci/ship.py")


@pytest.fixture
def piano(tmp_path: Path) -> Path:
    """Return a file with a few notes of the renderer's piano, whose samples the model was not trained on."""
    notes = [Note(0.6 * turn, 0.6, pitch, 0.8) for turn, pitch in enumerate((60, 64, 67, 72))]
    samples = play(load_soundfont(), Touch(program=0, release_s=0.4), notes, 3 * SAMPLE_RATE_HZ)
    path = tmp_path / "piano.wav"
    soundfile.write(path, 0.5 * samples / np.abs(samples).max(), SAMPLE_RATE_HZ)
    return path


def test_it_is_whole_small_and_holds_nothing_else():
    assert {path.name for path in SHIPPED.iterdir()} == FILES
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= MOST_BYTES
    card = load_model(SHIPPED)[1]
    read_thresholds(thresholds_of(SHIPPED), card.taxonomy.codes, read_seal(SHIPPED / "model.json"))


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_damage_is_noticed(tmp_path: Path, name: str):
    shutil.copytree(SHIPPED, tmp_path / "copy")
    path = tmp_path / "copy" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        load_model(tmp_path / "copy")


def test_it_was_trained_as_the_recipe_says(recipe: ModuleType):
    trained = load_model(SHIPPED)[1].trained
    assert trained.collection == "miniature", "rendered, none of the publishers' audio"
    assert trained.seed == recipe.SEED
    assert recipe.SHIPPED == SHIPPED


def test_no_source_is_under_the_gpl(recipe: ModuleType):
    (soundfonts,) = (each for each in recipe.OVERRIDES if "soundfonts=" in each)
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for path, md5 in recipe.SOUNDFONTS.items():
        assert f"at: {path}, md5: {md5}" in soundfonts
        assert f"{Path(path).name}, md5 {md5}" in card, "the card names what it was trained on"
    assert "TimGM6mb" not in soundfonts + card
    assert "GPL" not in card
    assert recipe.sources() in card
    assert not any(own in card for own in recipe.RENAMED), "they are not the reader's"


def test_real_recordings_it_learned_from_are_listed_and_free(recipe: ModuleType):
    rows = recipe.read_list()
    assert {row["licence"] for row in rows} == {"CC BY 4.0", "CC BY 3.0", "CC0 or CC BY per clip"}
    assert len({row["path"] for row in rows}) == len(rows)


def test_other_recordings_than_those_listed_are_refused(recipe: ModuleType, tmp_path: Path):
    (tmp_path / recipe.OWN / "notes").mkdir(parents=True)
    (tmp_path / recipe.OWN / "notes" / "a.flac").touch()
    with pytest.raises(ValueError, match=r"files of .*real are missing, unlike or not among those that shipped_notes"):
        recipe.bring_notes(tmp_path, tmp_path / "real")


def test_the_card_has_licence_metrics_and_limits():
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert "\nlicense: apache-2.0\n" in card
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for title in ("Metrics", "On real notes", "Training", "Terms", "Sources", "Limits"):
        assert f"\n## {title}\n" in card, title
    taxonomy = load_model(SHIPPED)[1].taxonomy
    assert all(f"| {each.name} |" in card for each in taxonomy.instruments)


def test_it_is_used_where_nothing_is_trained_and_says_so(nowhere: Path, piano: Path, caplog: pytest.LogCaptureFixture):
    result = CliRunner().invoke(app, ["predict", str(piano), "--format", "json"])
    assert result.exit_code == 0, result.output
    assert sum(SAID in each.getMessage() for each in caplog.records) == 1
    (found,) = json.loads(result.stdout)
    scores = {code: each["score"] for code, each in found["instruments"].items()}
    assert "pia" in sorted(scores, key=scores.__getitem__)[-3:], scores


def test_python_takes_it_too(nowhere: Path, piano: Path, caplog: pytest.LogCaptureFixture):
    model = instrumentarium.load()
    assert [SAID in each.getMessage() for each in caplog.records] == [True]
    assert model.predict(piano).scores.shape == (len(model.instruments),)
    assert instrumentarium.Embedder().fit().model_.card == model.card


def test_a_server_takes_it_too(nowhere: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    served = []
    monkeypatch.setattr(running, "run_server", lambda ladder, *_, **__: served.append(ladder) is None)
    assert CliRunner().invoke(app, ["serve"]).exit_code == 0
    (ladder,) = served
    assert model_card(ladder) == load_model(SHIPPED)[1]
    assert SAID in caplog.text


def test_describe_says_which_it_is(nowhere: Path, caplog: pytest.LogCaptureFixture):
    result = CliRunner().invoke(app, ["describe"])
    assert result.exit_code == 0
    assert str(SHIPPED / "README.md") in result.stdout
    assert SAID in caplog.text


def test_a_trained_model_comes_first_and_without_a_word(
    model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    root, below = model.parents[1], model.parents[1] / "below"
    below.mkdir()
    (root / "dvc.yaml").touch()
    for place in (root, below):
        monkeypatch.chdir(place)
        assert default_model().resolve() == model.resolve()
    assert SAID not in caplog.text


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_part_of_a_trained_model_is_an_error(model: Path, song: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(model.parents[1])
    (model / name).unlink()
    result = CliRunner().invoke(app, ["predict", str(song)])
    assert result.exit_code == 2
    assert f"data/model/{name} is missing" in result.output


@pytest.mark.parametrize("options", [["--model", "data/model"], ["--system", "mean"]])
def test_whoever_names_a_model_or_another_system_gets_no_other(nowhere: Path, piano: Path, options: list[str]):
    result = CliRunner().invoke(app, ["predict", str(piano), *options])
    assert result.exit_code == 2
    assert SAID not in result.output
    assert "data/model" in result.output
