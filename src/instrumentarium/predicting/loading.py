"""A model, its thresholds and its temperature, joined to the ladder."""

from pathlib import Path

import torch

from instrumentarium.predicting.choices import Backend
from instrumentarium.predicting.ladder import (
    Audio2Timeline,
    File2Timeline,
    Files2Table,
    Samples2Scores,
    WindowModel,
    Windows2Scores,
)
from instrumentarium.predicting.modelsource import read_thresholds, thresholds_of
from instrumentarium.predicting.onnxfile import OnnxRecognizer
from instrumentarium.predicting.timeline import TimelineSettings
from instrumentarium.runtime.workers import usable_cores
from instrumentarium.scoring.recognizer import Recognizer

MOST_WORKERS = 4
"""Batches scored at a time: some 50 MB each with the default model."""


def load_ladder(
    folder: Path,
    thresholds: Path | None = None,
    settings: TimelineSettings | None = None,
    *,
    overlap: float | None = None,
    backend: Backend = Backend.TORCH,
    onnx: Path | None = None,
) -> Files2Table:
    """Return the ladder's top rung for the model of `folder`, ready to use all cores; it holds the rungs below.

    On a processor it sets how many threads PyTorch uses in this process.

    Args:
        folder: the model's.
        thresholds: a file of them; by default thresholds.json in the model's folder or beside it.
        settings: of the timeline.
        overlap: share of a window that the next one covers again; by default as in evaluation.
        backend: what runs the model.
        onnx: the exported file, for ONNX Runtime; by default beside the model's folder.

    Raises:
        MissingModelError, ModelFileError: if there is no model, or it is damaged or of a newer version.
        MissingThresholdsError, ThresholdsError: if there are no thresholds, or the file is something else, or for other
            instruments than the model's.
        OnnxFileError, MissingOnnxError: if ONNX Runtime is asked for and cannot be used.
        OverlapError: if the overlap is out of its range.
    """
    workers, threads = share_cores(usable_cores())
    model: WindowModel
    if backend is Backend.ONNXRUNTIME:
        model = OnnxRecognizer.load(folder, onnx, threads)
    else:
        model = Recognizer.load(folder)
        if model.device.type == "cpu":
            torch.set_num_threads(threads)
        else:
            workers = 1
    limits, temperature = read_thresholds(thresholds or thresholds_of(folder), model.card.taxonomy.codes)
    samples2scores = Samples2Scores(Windows2Scores(model), overlap)
    return Files2Table(File2Timeline(Audio2Timeline(samples2scores, limits, settings, temperature)), workers)


def share_cores(cores: int) -> tuple[int, int]:
    """Return how many batches to score at a time, and how many threads each may use.

    Batches side by side fill cores better than threads within one, which wait for each other, and spin while they do; each
    takes memory, though.
    """
    workers = min(cores, MOST_WORKERS)
    return workers, max(1, cores // workers)
