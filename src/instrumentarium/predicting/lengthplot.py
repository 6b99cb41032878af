"""Scores, time and memory by length of the audio, as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from instrumentarium.predicting.lengths import LengthResult, duration_text
from instrumentarium.runtime.files import atomic_path

INK, BLUE = "#222222", "#1f5a85"


def draw_lengths(path: Path, title: str, found: Sequence[LengthResult]) -> None:
    """Write a PNG: the score of each instrument at each length above, time and memory below."""
    figure = Figure(figsize=(10, 7.2), dpi=130, layout="constrained")
    above, middle, below = figure.subplots(3, 1, height_ratios=(6, 2, 2))
    scores = np.stack([one.scores for one in found], axis=1)  # (instruments, lengths)
    picture = above.imshow(scores, aspect="auto", cmap="Blues", vmin=0, vmax=1)
    for column, one in enumerate(found):
        for row, present in enumerate(one.present):
            dark = scores[row, column] > 0.6
            above.text(
                column,
                row,
                f"{scores[row, column]:.2f}",
                ha="center",
                va="center",
                color="white" if dark else INK,
                fontweight="bold" if present else "normal",
                fontsize=9,
            )
    instruments = found[0].taxonomy.instruments
    above.set_yticks(range(len(instruments)), [f"{each.name} ({each.code})" for each in instruments])
    above.set_title(title.replace("$", r"\$"), loc="left", fontsize=11)
    figure.colorbar(picture, ax=above, label="score; bold: it plays", pad=0.01)
    _draw_bars(middle, [one.time_s for one in found], "time in s", log=True)
    for column, one in enumerate(found):
        middle.annotate(
            f"{one.speed:,.0f}×" if one.speed >= 10 else f"{one.speed:.1f}×",
            (column, one.time_s),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    middle.set_title("time on the clock, and how many times faster than real time", loc="left", fontsize=9)
    _draw_bars(below, [one.memory_mb for one in found], "MB", log=False)
    for column, one in enumerate(found):
        below.annotate(
            f"{one.memory_mb:.0f}",
            (column, one.memory_mb),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    below.set_title("the most memory held above the loaded model", loc="left", fontsize=9)
    for axes in (above, middle, below):
        axes.set_xticks(range(len(found)), [duration_text(one.length_s) for one in found])
        axes.set_xlim(-0.5, len(found) - 0.5)
    below.set_xlabel("length of the audio")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _draw_bars(axes: Axes, heights: Sequence[float], label: str, *, log: bool) -> None:
    axes.bar(range(len(heights)), heights, width=0.62, color=BLUE)
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    highest = max([*heights, 1e-3])
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylim(min(heights) / 3, highest * 6)
    else:
        axes.set_ylim(0, highest * 1.3)
