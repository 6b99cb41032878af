"""A model, its thresholds and its temperature, joined to the rung of the ladder that makes timelines."""

from pathlib import Path

from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.inference import Recognizer
from instrumentarium.predicting.ladder import Audio2Timeline, Listener, Samples2Scores
from instrumentarium.predicting.modelnames import Backend
from instrumentarium.predicting.modelsource import thresholds_of
from instrumentarium.predicting.onnxfile import OnnxRecognizer
from instrumentarium.predicting.timeline import TimelineSettings


def load_timeline(
    folder: Path,
    thresholds: Path | None = None,
    settings: TimelineSettings | None = None,
    *,
    overlap: float | None = None,
    backend: Backend = Backend.TORCH,
    onnx: Path | None = None,
) -> Audio2Timeline:
    """Return the model of `folder`, ready to make timelines.

    Args:
        folder: the model's.
        thresholds: a file of them; by default thresholds.json in the model's folder or beside it.
        settings: of the timeline.
        overlap: share of a window that the next one hears again; by default as in evaluation.
        backend: what runs the model.
        onnx: the exported file, for ONNX Runtime; by default beside the model's folder.

    Raises:
        MissingModelError, ModelFileError: if there is no model, or it is damaged or of a newer version.
        MissingThresholdsError, ThresholdsError: if there are no thresholds, or the file is something else.
        OnnxFileError, MissingOnnxError: if ONNX Runtime is asked for and cannot be used.
        OverlapError: if the overlap is out of its range.
    """
    by_onnx = backend is Backend.ONNXRUNTIME
    listener: Listener = OnnxRecognizer.load(folder, onnx) if by_onnx else Recognizer.load(folder)
    limits = Thresholds.read(thresholds or thresholds_of(folder))
    return Audio2Timeline(Samples2Scores(listener, overlap), limits.vector(), settings, limits.temperature)
