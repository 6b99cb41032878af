"""A model or another system, its thresholds and its temperature, joined to the ladder."""

from pathlib import Path

import torch

from instrumentarium.baselines.errors import SystemFileError
from instrumentarium.frontends.device import best_device
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.predicting.choices import Backend, Device
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
from instrumentarium.predicting.systems import description_of, load_recognizer
from instrumentarium.predicting.timeline import TimelineSettings
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.sealed import read_seal
from instrumentarium.runtime.workers import usable_cores

MOST_WORKERS = 4
"""Batches scored at a time: some 50 MB each with the default model."""


class DeviceError(UserError, ValueError):
    """A device that is not there, or that a backend does not use."""


def load_ladder(
    folder: Path,
    thresholds: Path | None = None,
    settings: TimelineSettings | None = None,
    *,
    overlap: float | None = None,
    backend: Backend = Backend.TORCH,
    onnx: Path | None = None,
    device: Device = Device.AUTO,
    single_core: bool = False,
) -> Files2Table:
    """Return the ladder's top rung for the model of `folder`, ready to use all cores; it holds the rungs below.

    On a processor it sets how many threads PyTorch uses in this process.

    Args:
        folder: the model's, or another system's.
        thresholds: a file of them; by default thresholds.json in the model's folder or beside it, which must be this
            model's.
        settings: of the timeline.
        overlap: share of a window that the next one covers again; by default as in evaluation.
        backend: what runs the model.
        onnx: the exported file, for ONNX Runtime; by default beside the model's folder.
        device: where PyTorch runs the model; by default on the GPU where there is one.
        single_core: use one core, since other processes have the others; on a processor, decoding and scoring take turns.

    Raises:
        MissingModelError, ModelFileError: if there is no model, or it is damaged or of a newer version.
        MissingSystemError, SystemFileError: the same of another system.
        MissingThresholdsError, ThresholdsError: if there are no thresholds, or the file is something else, or for other
            instruments than the model's.
        OnnxFileError, MissingOnnxError: if ONNX Runtime is asked for and cannot be used.
        DeviceError: if there is no such device, or ONNX Runtime is asked for a GPU.
        OverlapError: if the overlap is out of its range.
    """
    place = choose_device(device, backend)
    workers, threads = (0, 1) if single_core else share_cores(usable_cores())
    model: WindowModel
    if backend is Backend.ONNXRUNTIME:
        model = OnnxRecognizer.load(folder, onnx, threads)
    else:
        model = load_recognizer(folder, place)
        if place.type == "cpu":
            torch.set_num_threads(threads)
        else:
            workers = 1
    if thresholds is not None:
        limits, temperature = read_thresholds(thresholds, model.card.taxonomy.codes)
    else:
        whose = read_seal(description_of(folder))
        limits, temperature = read_thresholds(thresholds_of(folder), model.card.taxonomy.codes, whose)
    samples2scores = Samples2Scores(Windows2Scores(model), overlap)
    return Files2Table(File2Timeline(Audio2Timeline(samples2scores, limits, settings, temperature)), workers)


def model_card(ladder: Files2Table) -> ModelCard:
    """Return what the model behind a ladder says of itself.

    Raises:
        SystemFileError: if it is another system, which has no model.json.
    """
    card = ladder.audio2timeline.samples2scores.windows2scores.card
    if not isinstance(card, ModelCard):
        raise SystemFileError(
            "a trained model is needed here, found another system; it can be used by `predict --system`"
        )
    return card


def choose_device(device: Device, backend: Backend = Backend.TORCH) -> torch.device:
    """Return where PyTorch is to run.

    Raises:
        DeviceError: if a GPU is asked for where there is none that PyTorch can use, or for ONNX Runtime.
    """
    if device is Device.CUDA and backend is Backend.ONNXRUNTIME:
        raise DeviceError("--backend onnxruntime runs on the processor; take --device cpu or auto, or --backend torch")
    if device is Device.CUDA and not torch.cuda.is_available():
        reason = "has no support of GPUs" if torch.version.cuda is None else "finds no GPU"
        raise DeviceError(f"--device cuda: PyTorch {torch.__version__} {reason} here; take --device cpu or auto")
    return best_device() if device is Device.AUTO else torch.device(device.value)


def share_cores(cores: int) -> tuple[int, int]:
    """Return how many batches to score at a time, and how many threads each may use.

    Batches side by side fill cores better than threads within one, which wait for each other, and spin while they do; each
    takes memory, though.
    """
    workers = min(cores, MOST_WORKERS)
    return workers, max(1, cores // workers)
