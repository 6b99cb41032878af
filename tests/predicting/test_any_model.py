"""A model of three other instruments, without a spectrogram and without a pooled vector, in every command that uses one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from model_fixtures import RAW
from PIL import Image
from predicting.made import save
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.predicting.choices import Format
from taxonomies import BAND3


@pytest.fixture
def band(tmp_path: Path) -> Path:
    """Return its folder, with thresholds so low that every instrument plays in every sound."""
    save(tmp_path / "band" / "model", replace(RAW, taxonomy=BAND3), limit=0.01)
    return tmp_path / "band" / "model"


def run(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.parametrize("format_", list(Format))
def test_it_predicts_in_every_format(band: Path, song: Path, format_: Format):
    text = run("predict", song, "--model", band, "--format", format_)
    for code, name in BAND3.names.items():
        assert code in text or name in text
    assert "cello" not in text


def test_its_predictions_are_drawn(band: Path, song: Path, tmp_path: Path):
    run("predict", song, "--model", band, "--plot", tmp_path / "plot.png")
    run("analyse-length", song, "--model", band, "--lengths", "0.1,1", "--plot", tmp_path / "lengths.png")
    for name in ("plot.png", "lengths.png"):
        with Image.open(tmp_path / name) as picture:
            assert len(picture.getcolors(1 << 24) or []) > 50


def test_it_is_described_exported_and_run_by_another_backend(band: Path, song: Path):
    assert "banjo (banjo), bass (bass), steel drums (steel_drums)" in run("describe", band)
    run("export", "--onnx", "--model", band)
    first, second = (
        json.loads(run("predict", song, "--model", band, "--format", "json", "--backend", backend))[0]["instruments"]
        for backend in ("torch", "onnxruntime")
    )
    assert list(first) == list(second) == list(BAND3.codes)
    assert all(first[code]["score"] == pytest.approx(second[code]["score"], abs=1e-5) for code in first)


def test_thresholds_of_other_instruments_are_wrong_use(band: Path, model: Path, song: Path):
    words = ("predict", song, "--model", band, "--thresholds", model.parent / "thresholds.json")
    assert "wanted are those of banjo, bass, steel_drums" in run(*words, status=2)
