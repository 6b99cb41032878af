"""The timeline under the spectrogram, as a picture."""

import math
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from instrumentarium.frontends.logmel import LogMel
from instrumentarium.predicting.formats import clock, one_line
from instrumentarium.predicting.result import Prediction
from instrumentarium.predicting.samples import SampleStream
from instrumentarium.runtime.files import atomic_path
from instrumentarium.tables.samplestore import FULL_SCALE
from instrumentarium.tables.taxonomy import CODES, NAMES

COLUMNS = 1200
"""Of the spectrogram, at most."""
RANGE_DB = 80.0


def pooled_spectrogram(stream: SampleStream, frontend: LogMel, duration_s: float) -> npt.NDArray[np.float32]:
    """Return the mel power of a recording in dB below its peak, (bands, columns), in one pass and flat memory."""
    hop_s = frontend.params.hop_length / frontend.params.sample_rate_hz
    columns = max(1, min(COLUMNS, math.floor(duration_s / hop_s)))
    power = np.zeros((frontend.params.n_mels, columns), np.float32)
    counts = np.zeros(columns)
    position_s = 0.0
    for block in stream:
        if not len(block):
            continue
        with torch.inference_mode():
            frames = frontend.power(torch.from_numpy(block)[None].float() / FULL_SCALE)[0].numpy()  # (bands, frames)
        times = position_s + np.arange(frames.shape[1]) * hop_s
        places = np.clip((times / duration_s * columns).astype(np.int64), 0, columns - 1)
        np.add.at(power.T, places, frames.T)
        np.add.at(counts, places, 1)
        position_s += len(block) / stream.sample_rate_hz
    mean = power / np.maximum(counts, 1).astype(np.float32)
    return np.asarray(10 * np.log10(np.maximum(mean / max(float(mean.max()), 1e-10), 10 ** (-RANGE_DB / 10))))


def draw_timeline(
    path: Path, prediction: Prediction, spectrogram: npt.NDArray[np.float32], frontend: LogMel, step_s: float
) -> None:
    """Write a PNG: the mel spectrogram above, below it each instrument's score over time and when it plays."""
    duration_s = prediction.duration_s or 0.0
    figure = Figure(figsize=(11, 6.4), dpi=130, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    bands = len(spectrogram)
    above.imshow(
        spectrogram,
        origin="lower",
        aspect="auto",
        extent=(0, duration_s, -0.5, bands - 0.5),
        cmap="magma",
        vmin=-RANGE_DB,
        vmax=0,
        interpolation="nearest",
    )
    centres = frontend.band_centres_hz.numpy()
    ticks = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if centres[0] <= hz <= centres[-1]]
    above.set_yticks(np.interp(ticks, centres, np.arange(bands)), [f"{hz:,}" for hz in ticks])
    above.set_ylabel("frequency in Hz (mel)")
    name = Path(one_line(prediction.path)).name
    above.set_title(f"{name}  ({clock(duration_s)})".replace("$", r"\$"), loc="left", fontsize=11)
    scores = below.imshow(
        prediction.frames.T,
        aspect="auto",
        extent=(0, len(prediction.frames) * step_s, len(CODES) - 0.5, -0.5),
        cmap="Greys",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        alpha=0.55,
    )
    for part in prediction.segments:
        row = CODES.index(part.instrument)
        below.barh(
            row,
            part.end_s - part.start_s,
            left=part.start_s,
            height=0.62,
            facecolor="none" if part.end_s <= part.start_s else "#d1495b",
            edgecolor="#7a1f2b",
            alpha=0.85,
        )
    below.set_yticks(range(len(CODES)), [f"{NAMES[code]} ({code})" for code in CODES])
    for label, present in zip(below.get_yticklabels(), prediction.present, strict=True):
        label.set_fontweight("bold" if present else "normal")
    below.set_xlim(0, duration_s)
    if duration_s >= 20:  # whole seconds, so that none is rounded in its label; thirties and sixties among the steps
        below.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 3, 5, 6, 10], integer=True))
    below.xaxis.set_major_formatter(lambda value, _: clock(value) if duration_s >= 20 else f"{value:g}")
    below.set_xlabel("time in m:ss" if duration_s >= 20 else "time in s")
    figure.colorbar(scores, ax=below, label="score", pad=0.01)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
