"""The forest plot of a comparison: each difference with its interval, and whether it is real."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from instrumentarium.comparing.comparison import Comparison, Difference
from instrumentarium.evaluation.catalogue import COUNTED, LOWER_IS_BETTER
from instrumentarium.runtime.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMN_WIDTH_IN = 3.5
"""A column of the usual two-column proceedings, 89 mm."""
ROW_HEIGHT_IN = 0.165
DOTS_PER_INCH = 300
# Blue and vermilion of Okabe and Ito's palette, which colour-blind readers tell apart; the markers' forms say the same.
STYLES = {
    "better": ("#0072B2", "^", "B better"),
    "worse": ("#D55E00", "v", "B worse"),
    "undecided": ("#666666", "o", "may be chance"),
}


def draw_forest(comparison: Comparison, path: Path) -> None:
    """Write a PNG, one column of a paper wide: headline metrics above, F1 of each instrument below.

    Equal comparisons give equal bytes. Undefined differences have an empty row.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    headline = {
        name: found for name, found in comparison.headline.items() if name not in COUNTED
    }  # on the others' scale they would dwarf them
    instruments = {comparison.names[code]: metrics["f1"] for code, metrics in comparison.per_instrument.items()}
    heights = [len(headline), len(instruments)]
    with rc_context({"font.size": 7, "axes.linewidth": 0.6, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(COLUMN_WIDTH_IN, ROW_HEIGHT_IN * (sum(heights) + 9)), layout="constrained")
        FigureCanvasAgg(figure)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        _draw(upper, headline, "Headline")
        _draw(lower, instruments, "F1 by instrument, p by Holm")
        a, b = comparison.settings.a.name, comparison.settings.b.name
        lower.set_xlabel(f"B − A with 95 % interval\nA: {_short(a)}    B: {_short(b)}")
        figure.legend(
            handles=_legend(), loc="outside lower center", ncols=len(STYLES), frameon=False, handletextpad=0.2
        )
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def _draw(axes: "Axes", rows: dict[str, Difference], title: str) -> None:
    for height, (name, found) in enumerate(rows.items()):
        if found.difference is None or found.low is None or found.high is None:
            continue
        colour, marker, _ = STYLES[_verdict(name, found)]
        axes.plot([found.low, found.high], [height, height], color=colour, linewidth=1.2, solid_capstyle="butt")
        face = colour if found.is_real() else "white"
        axes.plot(found.difference, height, marker, color=colour, markerfacecolor=face, markersize=3.5)
    axes.axvline(0, color="black", linewidth=0.6)
    labels = [f"{name} ↓" if name in LOWER_IS_BETTER else name for name in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(length=2)
    axes.grid(axis="x", linewidth=0.3, color="#cccccc")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, loc="left", fontsize=7, fontweight="bold")


def _verdict(name: str, found: Difference) -> str:
    if not found.is_real() or found.difference is None:
        return "undecided"
    gain = -found.difference if name in LOWER_IS_BETTER else found.difference
    return "better" if math.copysign(1, gain) > 0 else "worse"


def _legend() -> "list[object]":
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            markersize=3.5,
            linewidth=1.2,
            label=label,
            markerfacecolor="white" if key == "undecided" else colour,
        )
        for key, (colour, marker, label) in STYLES.items()
    ]


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"…{name[-19:]}"
