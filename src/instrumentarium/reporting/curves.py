"""Figures of curves: ROC, precision and recall, reliability, thresholds, training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from instrumentarium.drawing.style import (
    BLUE,
    COLUMN_IN,
    GREY,
    INK,
    LOOKS,
    PALE,
    TICK_LABELS,
    TICKS,
    VERMILION,
    instrument_grid,
    new_figure,
)
from instrumentarium.reporting.rows import Rows, numbers, where
from instrumentarium.tables.taxonomy import CODES

AVERAGES = ("micro", "macro")


def draw_roc(rows: Rows) -> Figure:
    """Draw rows `instrument, fpr, tpr`: a panel an instrument and one for the averages."""
    return _panels(rows, "fpr", "tpr", "false positive rate", "true positive rate", diagonal=True)


def draw_roc_column(rows: Rows) -> Figure:
    """Draw rows `instrument, fpr, tpr` in one panel as wide as a column."""
    return _one_panel(rows, "fpr", "tpr", "false positive rate", "true positive rate", diagonal=True)


def draw_precision_recall(rows: Rows) -> Figure:
    """Draw rows `instrument, recall, precision`: a panel an instrument and one for the averages."""
    return _panels(rows, "recall", "precision", "recall", "precision", diagonal=False)


def draw_precision_recall_column(rows: Rows) -> Figure:
    """Draw rows `instrument, recall, precision` in one panel as wide as a column."""
    return _one_panel(rows, "recall", "precision", "recall", "precision", diagonal=False)


def _panels(rows: Rows, x: str, y: str, x_label: str, y_label: str, *, diagonal: bool) -> Figure:
    figure, panels, last = instrument_grid(x_label=x_label, y_label=y_label)
    for code, panel in panels.items():
        others = [other for other in CODES if other != code]
        _background(panel, rows, others, x, y)
        _unit_square(panel, diagonal=diagonal)
        _curve(panel, rows, code, x, y)
    last.set_title("averages")
    _background(last, rows, CODES, x, y)
    _unit_square(last, diagonal=diagonal)
    for name in AVERAGES:
        _curve(last, rows, name, x, y)
    last.legend(loc="lower right" if diagonal else "lower left")
    return figure


def _background(panel: Axes, rows: Rows, codes: Sequence[str], x: str, y: str) -> None:
    for code in codes:
        mine = where(rows, instrument=code)
        panel.plot(numbers(mine, x), numbers(mine, y), color=PALE, linewidth=0.4, zorder=1)


def _one_panel(rows: Rows, x: str, y: str, x_label: str, y_label: str, *, diagonal: bool) -> Figure:
    figure = new_figure(COLUMN_IN, 3.5)
    panel = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.98, bottom=0.31, top=0.98)
    _unit_square(panel, diagonal=diagonal)
    for name in (*CODES, *AVERAGES):
        _curve(panel, rows, name, x, y, markers=7)
    panel.set(xlabel=x_label, ylabel=y_label)
    figure.legend(*panel.get_legend_handles_labels(), loc="lower center", ncol=3, handlelength=3.0, columnspacing=1.2)
    return figure


def _unit_square(panel: Axes, *, diagonal: bool) -> None:
    if diagonal:
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.5, linestyle=(0, (1, 2)), zorder=1)
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    panel.set_xticks(TICKS, TICK_LABELS)
    panel.set_yticks(TICKS, TICK_LABELS)


def _curve(panel: Axes, rows: Rows, name: str, x: str, y: str, *, markers: int = 0) -> None:
    """Draw one curve under its name; without points to draw it keeps its place in the legend."""
    mine, look = where(rows, instrument=name), LOOKS[name]
    every = max(1, len(mine) // markers) if markers else None
    panel.plot(
        numbers(mine, x),
        numbers(mine, y),
        color=look.colour,
        linestyle=look.line,
        marker=look.marker if markers else "",
        markevery=every,
        label=look.name,
        gid=name,
        zorder=3 if name in AVERAGES else 2,
    )


def draw_reliability(rows: Rows) -> Figure:
    """Draw rows `instrument, mean_score, share, count, low, high`: how often an instrument plays at a score.

    The area of a dot is the share of the panel's clips that its bin holds.
    """
    figure, panels, last = instrument_grid(x_label="mean score of a bin", y_label="share of clips in which it plays")
    for code, panel in {**panels, "all": last}.items():
        mine, look = where(rows, instrument=code), LOOKS.get(code)
        if not mine:
            panel.set_axis_off()
            continue
        colour = look.colour if look else INK
        _unit_square(panel, diagonal=True)
        score, share = numbers(mine, "mean_score"), numbers(mine, "share")
        low, high = numbers(mine, "low"), numbers(mine, "high")
        panel.vlines(score, low, high, color=colour, linewidth=0.8, alpha=0.6)
        panel.plot(score, share, color=colour, linewidth=0.8, gid=code)
        largest = max(numbers(mine, "count").max(), 1)
        panel.scatter(score, share, s=3 + 22 * numbers(mine, "count") / largest, color=colour, linewidth=0, zorder=3)
    last.set_title("all together" if where(rows, instrument="all") else "")
    return figure


def draw_thresholds(rows: Rows) -> Figure:
    """Draw rows `instrument, threshold, f1, precision, recall, chosen`: a panel an instrument and one for "macro".

    A dot marks the chosen threshold.
    """
    figure, panels, last = instrument_grid(x_label="threshold", y_label="on the clips that thresholds are chosen on")
    kinds = (("f1", "F1", "-", None), ("precision", "precision", "--", BLUE), ("recall", "recall", ":", VERMILION))
    for name, panel in {**panels, "macro": last}.items():
        mine = where(rows, instrument=name)
        _unit_square(panel, diagonal=False)
        threshold = numbers(mine, "threshold")
        for column, label, line, colour in kinds:
            panel.plot(
                threshold, numbers(mine, column), line, color=colour or INK, linewidth=0.9, label=label, gid=column
            )
        chosen = [row for row in mine if row["chosen"]]
        panel.plot(numbers(chosen, "threshold"), numbers(chosen, "f1"), "o", color=INK, label="chosen", gid="chosen")
    last.set_title("mean, one threshold for all")
    figure.subplots_adjust(bottom=0.13)
    figure.legend(
        *panels[CODES[0]].get_legend_handles_labels(), loc="lower center", ncol=4, bbox_to_anchor=(0.53, 0.035)
    )
    return figure


def draw_loss(rows: Rows) -> Figure:
    """Draw rows `epoch, loss, part`: a curve for training and one for validation."""
    figure, panel = _by_epoch("loss")
    for part, colour, line in (("train", BLUE, "-"), ("validation", VERMILION, "--")):
        mine = where(rows, part=part)
        panel.plot(numbers(mine, "epoch"), numbers(mine, "loss"), line, color=colour, label=part, gid=part)
    panel.set_ylim(bottom=0)
    panel.legend()
    return figure


def draw_map_macro(rows: Rows) -> Figure:
    """Draw rows `epoch, map_macro`; a dot marks the best epoch."""
    figure, panel = _by_epoch("validation mean average precision")
    epoch, value = numbers(rows, "epoch"), numbers(rows, "map_macro")
    panel.plot(epoch, value, color=VERMILION, gid="map_macro")
    if np.isfinite(value).any():
        best = int(np.nanargmax(value))
        panel.plot(epoch[best : best + 1], value[best : best + 1], "o", color=INK, gid="best")
        panel.annotate(
            f"{value[best]:.3f}", (epoch[best], value[best]), xytext=(-3, 4), textcoords="offset points", ha="right"
        )
    panel.set_ylim(0, 1)
    return figure


def _by_epoch(y_label: str) -> tuple[Figure, Axes]:
    figure = new_figure(COLUMN_IN, 2.1)
    panel = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.98, bottom=0.16, top=0.97)
    panel.set(xlabel="epoch", ylabel=y_label)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure, panel
