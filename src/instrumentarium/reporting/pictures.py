"""The picture of a failure: what the clip sounds like to the eye, and every score beside its threshold."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from instrumentarium.drawing.colours import BLUE, GREY, INK, PALE, VERMILION
from instrumentarium.drawing.image import FREQUENCIES_HZ, frequency_label
from instrumentarium.drawing.spectrogram import FLOOR_DB, band_of, log_mel
from instrumentarium.drawing.style import PAGE_IN, new_figure, palette_of
from instrumentarium.reporting.gallery import Failure
from instrumentarium.tables.taxonomy import Taxonomy

SHORTEST_IN, BAR_IN = 1.75, 0.105
"""Height of a picture of few instruments, and of one bar where there are many."""
SOUND = "magma"
PALETTE = palette_of(SOUND, (INK, BLUE, GREY, PALE, VERMILION), levels=96, shades=24)


def draw_failure(failure: Failure, samples: npt.NDArray[np.int16], sample_rate_hz: int, taxonomy: Taxonomy) -> Figure:
    """Draw the log-mel spectrogram of a clip, and beside it the score of every instrument.

    A bar is blue where the instrument plays, grey where it does not, empty where it is not known; a stroke marks the
    threshold. The name of the instrument that was predicted wrongly is red.

    Args:
        failure: what went wrong.
        samples: (n_samples,), of the clip.
        sample_rate_hz: of the samples.
        taxonomy: all instruments.
    """
    margins_in = 0.4
    height_in = max(SHORTEST_IN, margins_in + BAR_IN * len(taxonomy))
    figure = new_figure(PAGE_IN, height_in)
    left, right = figure.subplots(1, 2, width_ratios=[2.6, 1])
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.33 / height_in, top=1 - 0.05 / height_in, wspace=0.28)
    _spectrogram(left, samples, sample_rate_hz)
    _scores(right, failure, taxonomy)
    return figure


def _spectrogram(panel: Axes, samples: npt.NDArray[np.int16], sample_rate_hz: int) -> None:
    bands = log_mel(samples, sample_rate_hz)
    panel.imshow(
        bands,
        origin="lower",
        aspect="auto",
        cmap=SOUND,
        vmin=FLOOR_DB,
        vmax=0,
        interpolation="nearest",
        extent=(0, len(samples) / sample_rate_hz, -0.5, len(bands) - 0.5),
    )
    shown = [hz for hz in FREQUENCIES_HZ if hz < sample_rate_hz / 2]
    panel.set_yticks([band_of(hz, sample_rate_hz) for hz in shown], [frequency_label(hz) for hz in shown])
    panel.set(xlabel="seconds", ylabel="Hz")


def _scores(panel: Axes, failure: Failure, taxonomy: Taxonomy) -> None:
    for place, code in enumerate(taxonomy.codes):
        score, threshold = failure.scores[code], failure.thresholds[code]
        if code in failure.unobserved:
            panel.barh(place, score, height=0.7, facecolor="none", edgecolor=GREY, linewidth=0.6, gid=code)
        else:
            panel.barh(place, score, height=0.7, color=BLUE if code in failure.true else PALE, gid=code)
        panel.vlines(threshold, place - 0.45, place + 0.45, color=INK, linewidth=0.9)
    panel.set_yticks(range(len(taxonomy)), list(taxonomy.names.values()))
    panel.get_yticklabels()[taxonomy.codes.index(failure.instrument)].set(color=VERMILION, fontweight="bold")
    panel.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="score, and threshold")
    panel.tick_params(axis="y", length=0, labelsize=5.5)
    panel.invert_yaxis()
