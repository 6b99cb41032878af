"""A model, its thresholds and its temperature, joined to the rung of the ladder that makes timelines."""

from pathlib import Path

import torch

from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.predicting.ladder import Audio2Timeline, Listener, Samples2Scores
from instrumentarium.predicting.modelnames import Backend
from instrumentarium.predicting.modelsource import thresholds_of
from instrumentarium.predicting.onnxfile import OnnxRecognizer
from instrumentarium.predicting.timeline import TimelineSettings
from instrumentarium.runtime.workers import usable_cores
from instrumentarium.scoring.recognizer import Recognizer

MOST_WORKERS = 4
"""Batches heard at a time: some 50 MB each with the default model."""


def load_timeline(
    folder: Path,
    thresholds: Path | None = None,
    settings: TimelineSettings | None = None,
    *,
    overlap: float | None = None,
    backend: Backend = Backend.TORCH,
    onnx: Path | None = None,
) -> Audio2Timeline:
    """Return the model of `folder`, ready to make timelines on all cores.

    On a processor it sets how many threads PyTorch uses in this process.

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
    workers, threads = share_cores(usable_cores())
    listener: Listener
    if backend is Backend.ONNXRUNTIME:
        listener = OnnxRecognizer.load(folder, onnx, threads)
    else:
        listener = Recognizer.load(folder)
        if listener.device.type == "cpu":
            torch.set_num_threads(threads)
        else:
            workers = 1
    limits = Thresholds.read(thresholds or thresholds_of(folder))
    scores = Samples2Scores(listener, overlap, workers)
    return Audio2Timeline(scores, limits.vector(), settings, limits.temperature)


def share_cores(cores: int) -> tuple[int, int]:
    """Return how many batches to hear at a time, and how many threads each may use.

    Batches side by side fill cores better than threads within one, which wait for each other, and spin while they do; each
    takes memory, though.
    """
    workers = min(cores, MOST_WORKERS)
    return workers, max(1, cores // workers)
