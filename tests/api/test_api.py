"""The package from Python: equal to the command, typed, quick to import, at home in scikit-learn."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from model_fixtures import clip_samples
from predicting.made import write_thresholds
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

import instrumentarium
from instrumentarium.api.model import WaveformError
from instrumentarium.commands.app import app
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.predicting.embedding import NoEmbeddingError
from instrumentarium.predicting.exporting import export_model
from instrumentarium.scoring.recognizer import Recognizer

Music = Callable[..., npt.NDArray[np.float64]]


@pytest.fixture
def calibrated(model: Path) -> Path:
    """Return the model's folder after its thresholds and temperature became such that both decide something."""
    path = model.parent / "thresholds.json"
    codes = Thresholds.read(path).per_instrument
    write_thresholds(path, list(codes), 0.5)
    content = json.loads(path.read_text()) | {"rule": "per_instrument", "temperature": 1.7}
    content.pop("sha256", None)
    content["per_instrument"] = {code: 0.3 + 0.05 * number for number, code in enumerate(codes)}
    path.write_text(json.dumps(content))
    return model


def command_json(model: Path, *files: Path) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["predict", "--model", str(model), "--format", "json", *map(str, files)])
    assert result.exit_code in {0, 1}, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_path_has_the_json_of_the_command(calibrated: Path, song: Path) -> None:
    found = instrumentarium.load(calibrated).predict(song)
    assert [json.loads(json.dumps(found.content()))] == command_json(calibrated, song)
    present = [said["present"] for said in found.content()["instruments"].values()]  # type: ignore[attr-defined]
    assert 0 < sum(present) < len(present), "thresholds decide nothing here"
    assert found.content()["timeline"]


def test_an_array_has_the_numbers_of_its_file(calibrated: Path, song: Path) -> None:
    samples, rate = soundfile.read(song, dtype="int16")
    model = instrumentarium.load(calibrated)
    assert model.predict(samples, sample_rate=rate, name=str(song)).content() == model.predict(song).content()


def test_many_files_are_what_each_is_alone_and_a_bad_one_says_why(calibrated: Path, song: Path) -> None:
    model = instrumentarium.load(str(calibrated))
    good, bad = model.predict_files([song, song.with_name("gone.wav")])
    assert good.content() == model.predict(song).content()
    assert bad.error == "No such file or directory"


def test_what_plays_is_named_by_score(calibrated: Path, song: Path) -> None:
    found = instrumentarium.load(calibrated).predict(song)
    playing = found.playing()
    assert list(playing.values()) == sorted(playing.values(), reverse=True)
    assert set(playing) == {
        found.taxonomy.names[code] for code, plays in zip(found.taxonomy.codes, found.present, strict=True) if plays
    }
    assert repr(found).startswith(f"<Prediction {str(song)!r}: {next(iter(playing))} 0.")


def test_what_cannot_be_used_is_said(model: Path, song: Path, music: Music) -> None:
    loaded = instrumentarium.load(model)
    with pytest.raises(AudioError, match="too short"):
        loaded.predict(np.zeros(10, np.int16), sample_rate=44100)
    with pytest.raises(FileNotFoundError):
        loaded.predict(song.with_name("gone.wav"))
    with pytest.raises(WaveformError, match="sample_rate"):
        loaded.predict(music(8000, 1.0))
    with pytest.raises(WaveformError, match="int32"):
        loaded.predict(np.zeros(8000, np.int32), sample_rate=8000)
    with pytest.raises(WaveformError, match="transpose"):
        loaded.predict(music(8000, 1.0, 2).T, sample_rate=8000)
    with pytest.raises(WaveformError, match="a list"):
        loaded.embed(str(song))
    with pytest.raises(AudioError, match=r"gone\.wav: No such file"):
        loaded.embed([song, song.with_name("gone.wav")])


def test_embeddings_are_those_of_the_score_stage(model: Path, recognizer: Recognizer, song: Path, music: Music) -> None:
    soft = np.concatenate([music(8000, 1.0), 1e-4 * music(8000, 1.0)])[:, 0]  # of which the second half does not count
    streams = [SampleStream.of_file(song, 8000), SampleStream.of_array(soft, 8000, 8000)]
    wanted = recognizer.clips(clip_samples([np.concatenate(list(stream)) for stream in streams])).embeddings
    found = instrumentarium.load(model).embed([song, soft], sample_rate=8000)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_no_recordings_have_no_rows(model: Path, song: Path) -> None:
    loaded = instrumentarium.load(model)
    assert loaded.embed([]).shape == (0, loaded.embed([song]).shape[1])


def test_an_exported_file_predicts_and_has_no_embeddings(model: Path, song: Path) -> None:
    export_model(model, model.parent / "model.onnx", None)
    exported, loaded = instrumentarium.load(model, backend="onnxruntime"), instrumentarium.load(model)
    np.testing.assert_allclose(exported.predict(song).scores, loaded.predict(song).scores, atol=1e-4)
    with pytest.raises(NoEmbeddingError, match="backend torch"):
        exported.embed([song])


def test_a_pipeline_learns_instruments_of_ones_own(model: Path) -> None:
    time = np.arange(8000) / 8000
    low = [0.3 * np.sin(2 * np.pi * (200 + n) * time) for n in range(8)]
    high = [0.3 * np.sin(2 * np.pi * (2500 + n) * time) for n in range(8)]
    embedder = instrumentarium.Embedder(instrumentarium.load(model), sample_rate=8000)
    pipeline = make_pipeline(embedder, LogisticRegression(C=1e6, max_iter=2000))
    assert cross_val_score(pipeline, low + high, [0] * 8 + [1] * 8, cv=4).mean() == 1.0


def test_the_embedder_is_an_estimator(model: Path, song: Path) -> None:
    loaded = instrumentarium.load(model)
    embedder = clone(instrumentarium.Embedder(loaded))
    assert embedder.get_params() == {"model": loaded, "sample_rate": None}
    rows = embedder.fit_transform([song])
    assert len(embedder.get_feature_names_out()) == rows.shape[1]
    by_path = instrumentarium.Embedder(str(model)).fit([song], ["note"]).transform([song])
    np.testing.assert_array_equal(rows, by_path)


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_the_package_is_imported_without_anything_heavy() -> None:
    code = """
import sys, instrumentarium
assert instrumentarium.__version__
heavy = {"torch", "numpy", "pandas", "scipy", "sklearn", "pydantic"} & set(sys.modules)
assert not heavy, heavy
"""
    run_python(code)


def test_help_shows_the_three_lines_and_every_public_name() -> None:
    text = run_python("import instrumentarium; help(instrumentarium)")
    for word in (
        "instrumentarium.load(",
        "class Model",
        "class Embedder",
        "predict(self, audio",
        version("instrumentarium"),
    ):
        assert word in text, word


def test_every_public_name_exists_and_others_are_refused() -> None:
    assert set(instrumentarium.__all__) <= set(dir(instrumentarium))
    for name in instrumentarium.__all__:
        assert getattr(instrumentarium, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        instrumentarium.lod  # noqa: B018
    stub = Path(str(instrumentarium.__file__)).with_suffix(".pyi").read_text()
    assert all(f" as {name}" in stub or f"{name}: str" in stub for name in instrumentarium.__all__)
