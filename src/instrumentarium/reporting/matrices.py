"""Figures of confusion: the multi-label matrix with its row and column "none", and one 2 x 2 matrix an instrument."""

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from instrumentarium.drawing.style import COLUMN_IN, PAGE_IN, TEXT, new_figure
from instrumentarium.reporting.rows import Row, Rows, numbers
from instrumentarium.tables.taxonomy import CODES, NAMES

NONE = "none"
NAMED = {**NAMES, NONE: NONE}
SHADES = "Blues"


def draw_confusion_shares(rows: Rows) -> Figure:
    """Draw rows `actual, predicted, share`: each cell as the percentage of its row."""
    return _matrix(rows, "share")


def draw_confusion_counts(rows: Rows) -> Figure:
    """Draw rows `actual, predicted, count`; the shade is the share of the row, so that rare instruments can be read."""
    return _matrix(rows, "count")


def _matrix(rows: Rows, column: str) -> Figure:
    names = [*CODES, NONE]
    cells = {(row["actual"], row["predicted"]): row for row in rows}
    ordered = [cells[actual, predicted] for actual in names for predicted in names]
    shape = len(names), len(names)
    figure = new_figure(COLUMN_IN, 3.4)
    panel = figure.subplots()
    figure.subplots_adjust(left=0.24, right=0.995, bottom=0.24, top=0.995)
    shares = numbers(ordered, "share").reshape(shape)
    panel.imshow(np.nan_to_num(shares), cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    texts = [_percent(row) if column == "share" else _count(row["count"]) for row in ordered]
    for index, text in enumerate(texts):
        y, x = divmod(index, len(names))
        _write(panel, x, y, text, shares[y, x], size=5.0)
    for line in (len(CODES) - 0.5,):  # "none" is no instrument
        panel.axhline(line, color="black", linewidth=0.5)
        panel.axvline(line, color="black", linewidth=0.5)
    panel.set_xticks(
        range(len(names)), [NAMED[name] for name in names], rotation=60, ha="right", rotation_mode="anchor"
    )
    panel.set_yticks(range(len(names)), [NAMED[name] for name in names])
    panel.set(xlabel="given", ylabel="plays")
    panel.tick_params(length=0)
    return figure


def draw_confusion_per_instrument(rows: Rows) -> Figure:
    """Draw rows `instrument, actual, predicted, count, share`: a panel an instrument, with counts and shares of rows."""
    cells = {(row["instrument"], row["actual"], row["predicted"]): row for row in rows}
    figure = new_figure(PAGE_IN, 3.9)
    grid = figure.subplots(3, 4)
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.05, top=0.95, wspace=0.28, hspace=0.38)
    for code, panel in zip(CODES, grid.flat, strict=False):
        shares = np.zeros((2, 2))
        for y, actual in enumerate(("plays", "silent")):
            for x, predicted in enumerate(("given", "not given")):
                row = cells[code, actual, predicted]
                shares[y, x] = np.nan_to_num(numbers([row], "share"))[0]
                _write(panel, x, y, f"{_count(row['count'])}\n{_percent(row)} %", shares[y, x], size=6.0)
        panel.imshow(shares, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
        panel.set_title(NAMES[code])
        panel.set_xticks([0, 1], ["given", "not given"])
        panel.set_yticks([0, 1], ["plays", "silent"], rotation=90, va="center")
        panel.tick_params(length=0)
    note = grid.flat[-1]
    note.set_axis_off()
    note.text(0.5, 0.5, "clips, and\nshare of the row", ha="center", va="center", fontsize=TEXT["font.size"])
    return figure


def _percent(row: Row) -> str:
    share = row["share"]
    return "–" if share is None else f"{100 * float(share):.0f}"


def _count(count: str | float | None) -> str:
    """Say a count that need not be whole: one decimal where it is not."""
    assert isinstance(count, int | float)
    return f"{count:.0f}" if abs(count - round(count)) < 0.05 else f"{count:.1f}"


def _write(panel: Axes, x: int, y: int, text: str, share: float | npt.NDArray[np.float64], *, size: float) -> None:
    """Write a cell's number, light on dark shades; a cell that holds nothing says so faintly."""
    red, green, blue, _ = mpl.colormaps[SHADES](float(np.nan_to_num(share)))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
    colour = "white" if dark else ("#8A8A8A" if text in {"0", "–"} else "black")
    panel.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, linespacing=1.3)
