"""The timeline under the spectrogram, as a picture."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.formats import clock, one_line
from instrumentarium.predicting.ladder import Audio2Timeline
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.spectrogram import RANGE_DB, Spectrogram, compute_spectrogram
from instrumentarium.runtime.files import atomic_path

ROOM_IN = 4.2
"""Height of title, spectrogram, colour bar and axis labels."""
ROW_IN = 0.2
"""Height of an instrument."""


def draw_timeline(path: Path, prediction: Prediction, spectrogram: Spectrogram, step_s: float) -> None:
    """Write a PNG: the mel spectrogram above, below it each instrument's score over time and when it plays."""
    duration_s, instruments = prediction.duration_s or 0.0, prediction.taxonomy.instruments
    rows_in = ROW_IN * max(4, len(instruments))
    figure = Figure(figsize=(11, ROOM_IN + rows_in), dpi=130, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, rows_in + 1.1))
    bands = len(spectrogram.centres_hz)
    above.imshow(
        spectrogram.decibels,
        origin="lower",
        aspect="auto",
        extent=(0, duration_s, -0.5, bands - 0.5),
        cmap="magma",
        vmin=-RANGE_DB,
        vmax=0,
        interpolation="nearest",
    )
    centres = spectrogram.centres_hz
    ticks = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if centres[0] <= hz <= centres[-1]]
    above.set_yticks(np.interp(ticks, centres, np.arange(bands)), [f"{hz:,}" for hz in ticks])
    above.set_ylabel("frequency in Hz (mel)")
    name = Path(one_line(prediction.path)).name
    above.set_title(f"{name}  ({clock(duration_s)})".replace("$", r"\$"), loc="left", fontsize=11)
    scores = below.imshow(
        prediction.frames.T,
        aspect="auto",
        extent=(0, len(prediction.frames) * step_s, len(instruments) - 0.5, -0.5),
        cmap="Greys",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        alpha=0.55,
    )
    for part in prediction.segments:
        below.barh(
            prediction.taxonomy.codes.index(part.instrument),
            part.end_s - part.start_s,
            left=part.start_s,
            height=0.62,
            facecolor="none" if part.end_s <= part.start_s else "#d1495b",
            edgecolor="#7a1f2b",
            alpha=0.85,
        )
    below.set_yticks(range(len(instruments)), [f"{each.name} ({each.code})" for each in instruments])
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


def draw_file(out: Path, path: Path, prediction: Prediction, audio2timeline: Audio2Timeline) -> None:
    """Write the PNG of the prediction for the file `path`."""
    assert prediction.duration_s is not None
    stream = SampleStream.of_file(path, audio2timeline.samples2scores.sample_rate_hz)
    spectrogram = compute_spectrogram(stream, prediction.duration_s)
    draw_timeline(out, prediction, spectrogram, audio2timeline.settings.step_s)
