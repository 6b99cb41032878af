"""Figures that compare instruments: F1 and average precision with intervals, scores by truth, prevalence by split."""

import numpy as np
from matplotlib.figure import Figure

from instrumentarium.drawing.style import (
    BLUE,
    COLUMN_IN,
    GREEN,
    GREY,
    LOOKS,
    ORANGE,
    PALE,
    TICK_LABELS,
    TICKS,
    VERMILION,
    instrument_grid,
    new_figure,
)
from instrumentarium.reporting.rows import Rows, numbers, where
from instrumentarium.tables.taxonomy import CODES, NAMES


def draw_per_instrument(rows: Rows) -> Figure:
    """Draw rows `instrument, f1, f1_low, f1_high, ap, ap_low, ap_high`, the mean over instruments last."""
    figure = new_figure(COLUMN_IN, 3.3)
    panel = figure.subplots()
    figure.subplots_adjust(left=0.24, right=0.98, bottom=0.14, top=0.98)
    names = [*CODES, "macro"]
    mine = [row for name in names for row in where(rows, instrument=name)]
    places = np.arange(len(names), dtype=np.float64)
    places[-1] += 0.4
    for column, label, colour, marker, shift in (("f1", "F1", BLUE, "o", -0.16), ("ap", "AP", VERMILION, "s", 0.16)):
        panel.hlines(
            places + shift,
            numbers(mine, f"{column}_low"),
            numbers(mine, f"{column}_high"),
            color=colour,
            linewidth=1.0,
            alpha=0.55,
        )
        panel.plot(numbers(mine, column), places + shift, marker, color=colour, label=label, gid=column)
    panel.axhline(len(CODES) - 0.3, color=GREY, linewidth=0.5)
    panel.set_yticks(places, [LOOKS[name].name for name in names])
    panel.set(xlim=(0, 1.02), xlabel="test, with 95 % intervals over recordings")
    panel.invert_yaxis()
    panel.grid(axis="x", color=PALE, linewidth=0.4)
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)
    panel.legend(loc="lower left", ncol=1)
    return figure


def draw_scores(rows: Rows) -> Figure:
    """Draw rows `instrument, truth, score, share, count`: a histogram where it plays, and one where it does not."""
    figure, panels, last = instrument_grid(x_label="score", y_label="share of clips")
    for code, panel in panels.items():
        for truth, colour in (("silent", GREY), ("plays", BLUE)):
            mine = where(rows, instrument=code, truth=truth)
            middles, shares = numbers(mine, "score"), np.nan_to_num(numbers(mine, "share"))
            half = (middles[1] - middles[0]) / 2 if len(middles) > 1 else 0.05
            edges = np.append(middles - half, middles[-1:] + half)
            hatch = "/////" if truth == "plays" else ""  # to be told apart in a grey print too
            panel.stairs(
                shares,
                edges,
                fill=True,
                facecolor=colour,
                edgecolor=colour,
                alpha=0.4,
                hatch=hatch,
                label=truth,
                gid=truth,
            )
            panel.stairs(shares, edges, color=colour, linewidth=0.9)
        totals = {
            truth: int(numbers(where(rows, instrument=code, truth=truth), "count").sum())
            for truth in ("plays", "silent")
        }
        note = "\n".join(f"{truth} {total}" for truth, total in totals.items())
        panel.text(0.97, 0.93, note, ha="right", va="top", transform=panel.transAxes, fontsize=5.5)
        panel.set(xlim=(0, 1), ylim=(0, 1.02))
        panel.set_xticks(TICKS, TICK_LABELS)
        panel.set_yticks(TICKS, TICK_LABELS)
    last.set_axis_off()
    last.legend(*panels[CODES[0]].get_legend_handles_labels(), loc="center")
    return figure


def draw_prevalence(rows: Rows) -> Figure:
    """Draw rows `instrument, prevalence, split`: the share of a split's clips in which an instrument is known to play."""
    figure = new_figure(COLUMN_IN, 3.0)
    panel = figure.subplots()
    figure.subplots_adjust(left=0.24, right=0.98, bottom=0.14, top=0.92)
    for split, colour, marker, shift in (
        ("train", GREEN, "o", -0.2),
        ("validation", ORANGE, "D", 0.0),
        ("test", BLUE, "s", 0.2),
    ):
        cells = {row["instrument"]: row for row in where(rows, split=split)}
        mine = [cells[code] for code in CODES if code in cells]
        places = np.array([k for k, code in enumerate(CODES) if code in cells]) + shift
        shares = numbers(mine, "prevalence")
        panel.hlines(places, 0, shares, color=colour, linewidth=0.8, alpha=0.5)
        panel.plot(shares, places, marker, color=colour, label=split, gid=split)
    panel.set_yticks(range(len(CODES)), [NAMES[code] for code in CODES])
    panel.set(xlabel="share of the split's clips")
    panel.set_xlim(left=0)
    panel.invert_yaxis()
    panel.tick_params(axis="y", length=0)
    figure.legend(*panel.get_legend_handles_labels(), loc="upper center", ncol=3)
    return figure
