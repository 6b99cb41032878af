"""An exported model has the model's scores, and is never taken for another's."""

import copy
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from model_fixtures import (
    ATTENTION,
    FRONTEND,
    RATE_HZ,
    RAW,
    RELATIVE,
    WAVEFORM,
    Parts,
    clip_samples,
    noise_clips,
    tiny_card,
    tiny_model,
)
from predicting.made import save
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams
from instrumentarium.models.modelfile import ModelCard, ModelFileError, save_model
from instrumentarium.models.params import TimmParams
from instrumentarium.predicting import exporting
from instrumentarium.predicting.exporting import (
    OnnxDisagreesError,
    compare,
    export_model,
    flips,
    made_windows,
)
from instrumentarium.predicting.onnxfile import OnnxFileError, OnnxRecognizer, onnx_path
from instrumentarium.predicting.onnxgraph import MissingOnnxError, convolve
from instrumentarium.runtime.files import write_json
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import BAND3, IRMAS11

FASTER = RELATIVE.model_copy(update={"sample_rate_hz": 11025})
TIMM = TimmParams(kind="timm", architecture="test_resnet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model that was exported; nobody may change it."""
    path = tmp_path_factory.mktemp("exported") / "model"
    save(path, Parts())
    export_model(path, onnx_path(path), None)
    return path


@pytest.mark.parametrize("frontend", [FRONTEND, RELATIVE, FASTER], ids=["absolute", "relative", "resampled"])
@pytest.mark.parametrize("samples", [800, 4000, 5001, 12345])
def test_the_front_end_is_the_models(frontend: LogMelParams, samples: int):
    logmel = LogMel(frontend, RATE_HZ)
    rng = np.random.default_rng(0)
    waveforms = torch.from_numpy(np.sin(0.3 * np.arange(samples)) * 0.3 + 0.01 * rng.standard_normal((3, samples)))
    convolved = copy.deepcopy(logmel)
    convolve(convolved)
    assert convolved.power(waveforms.float()).shape == logmel.power(waveforms.float()).shape
    torch.testing.assert_close(convolved(waveforms.float()), logmel(waveforms.float()), atol=0.01, rtol=0)  # dB


RAW_FASTER = replace(RAW, frontend=WAVEFORM.model_copy(update={"sample_rate_hz": 11025}))


@pytest.mark.parametrize(
    "parts",
    [
        Parts(FASTER, head=ATTENTION),
        Parts(backbone=TIMM),
        Parts(taxonomy=BAND3),
        replace(RAW, taxonomy=BAND3),
        RAW_FASTER,
    ],
    ids=["resampled, attention", "timm", "three instruments", "three from waveforms", "waveforms resampled"],
)
def test_any_model_agrees_with_its_export(tmp_path: Path, parts: Parts):
    save(tmp_path / "model", parts)
    out = tmp_path / "out.onnx"
    found = export_model(tmp_path / "model", out, clip_samples(noise_clips([4000, 9001])))
    assert found.largest_difference <= 1e-5
    assert found.clips == 2
    assert found.flipped is None  # there are no thresholds
    recognizer, exported = (
        Recognizer.load(tmp_path / "model", torch.device("cpu")),
        OnnxRecognizer.load(tmp_path / "model", out),
    )
    for samples in (3000, 20001):  # none is what was traced
        windows = np.stack(noise_clips([samples] * 3))
        scores = exported.windows(windows)
        assert scores.shape == (3, len(parts.taxonomy))
        np.testing.assert_allclose(scores, recognizer.windows(windows)[:, : scores.shape[1]], atol=1e-5)


@pytest.mark.parametrize(("batch", "samples"), [(1, 4000), (7, 4000), (2, 800), (3, 40001)])
def test_batch_and_length_are_dynamic(folder: Path, batch: int, samples: int):
    windows = np.stack(noise_clips([samples] * batch))
    expected = Recognizer.load(folder, torch.device("cpu")).windows(windows)[:, : len(IRMAS11.codes)]
    found = OnnxRecognizer.load(folder).windows(windows)
    assert found.shape == (batch, len(IRMAS11.codes))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_file_says_what_it_is(folder: Path):
    content = onnx.load(onnx_path(folder))
    (waveforms,), (probabilities,) = content.graph.input, content.graph.output
    assert (waveforms.name, probabilities.name) == ("waveforms", "probabilities")
    assert [size.dim_param for size in waveforms.type.tensor_type.shape.dim] == ["batch", "samples"]
    metadata = {entry.key: entry.value for entry in content.metadata_props}
    assert ModelCard.model_validate_json(metadata["instrumentarium.model.json"]) == tiny_card()


def test_equal_models_give_equal_bytes(folder: Path, tmp_path: Path):
    export_model(folder, tmp_path / "again.onnx", None)
    assert (tmp_path / "again.onnx").read_bytes() == onnx_path(folder).read_bytes()


def test_clip_scores_are_those_of_evaluation_before_flips_are_counted(folder: Path):
    clips = clip_samples(noise_clips([4000, 12000, 700]))
    recognizer, exported = Recognizer.load(folder, torch.device("cpu")), OnnxRecognizer.load(folder)
    for way in ("mean", "max"):
        card = tiny_card()
        windows = card.windows.model_copy(update={"clip_score": way})
        recognizer.card = card.model_copy(update={"windows": windows})
        limits = recognizer.clips(clips).scores[1] + 2e-4  # the second clip lies just below, and must stay there
        found = compare(recognizer, exported, clips, limits)
        assert found.flipped == 0
        assert found.windows == 1 + 5 + 1 + sum(len(batch) for batch in made_windows(4000))


def test_a_flip_counts_only_away_from_its_threshold():
    limits = np.array([0.5, 0.5, 0.5])
    assert flips(np.array([[0.7, 0.50005, 0.2]]), np.array([[0.3, 0.4999, 0.3]]), limits) == 1


def test_an_export_with_other_scores_is_not_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    right = exporting.compare
    monkeypatch.setattr(exporting, "compare", lambda *args: replace(right(*args), largest_difference=0.01))
    with pytest.raises(OnnxDisagreesError, match=r"differs from the model by up to 0\.01"):
        export_model(folder, tmp_path / "out.onnx", None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_fit_says_what_to_run(folder: Path, tmp_path: Path):
    other = tmp_path / "model"
    save_model(other, tiny_model(seed=1).state_dict(), tiny_card())
    with pytest.raises(OnnxFileError, match=r"model.onnx is missing.*export --onnx --model .*model`"):
        OnnxRecognizer.load(other)
    with pytest.raises(OnnxFileError, match="exported from another model than"):
        OnnxRecognizer.load(other, onnx_path(folder))
    onnx_path(other).write_bytes(onnx_path(folder).read_bytes()[:-1000])
    with pytest.raises(OnnxFileError, match="no ONNX file that can be used"):
        OnnxRecognizer.load(other)
    content = onnx.load(onnx_path(folder))
    del content.metadata_props[:]
    onnx.save(content, onnx_path(other))
    with pytest.raises(OnnxFileError, match="none that instrumentarium exported"):
        OnnxRecognizer.load(other)
    write_json(other / "model.json", {"format": 3})
    with pytest.raises(ModelFileError, match="upgrade"):
        OnnxRecognizer.load(other)


def test_no_flipped_bit_in_the_file_goes_unnoticed(folder: Path, tmp_path: Path):
    sound, copy = onnx_path(folder).read_bytes(), tmp_path / "copy.onnx"
    places = [*np.random.default_rng(0).integers(len(sound), size=40).tolist(), sound.index(b"instrumentarium.sha256")]
    for place in places:
        copy.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :])
        with pytest.raises(OnnxFileError, match=r"no ONNX file that can be used.*export --onnx"):
            OnnxRecognizer.load(folder, copy)
    copy.write_bytes(sound)
    OnnxRecognizer.load(folder, copy)


def test_without_its_packages_an_export_says_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingOnnxError, match=r"pip install 'instrumentarium\[onnx\]'"):
        export_model(folder, tmp_path / "out.onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingOnnxError, match=r"pip install 'instrumentarium\[onnx\]'"):
        OnnxRecognizer.load(folder)


def run(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == status, result.output
    return result.output


def test_export_and_predict_as_commands(model: Path, song: Path):
    assert "is missing" in run("predict", "--model", model, song, "--backend", "onnxruntime", status=2)
    said = run("export", "--onnx", "--model", model)
    assert "largest difference of a probability: " in said
    assert "no test clips are at hand" in said
    found = [
        json.loads(run("predict", "--model", model, song, "--format", "json", "--backend", backend))
        for backend in ("torch", "onnxruntime")
    ]
    for code in IRMAS11.codes:
        first, second = (one[0]["instruments"][code]["score"] for one in found)
        assert first == pytest.approx(second, abs=1e-5)
    model.parent.joinpath("model.onnx").rename(model.parent / "elsewhere.onnx")
    run("predict", "--model", model, song, "--backend", "onnxruntime", "--onnx", model.parent / "elsewhere.onnx")
    assert "--backend onnxruntime" in run(
        "predict", "--model", model, song, "--onnx", model.parent / "elsewhere.onnx", status=2
    )


def test_export_needs_a_format(model: Path):
    assert "--onnx" in run("export", "--model", model, status=2)
