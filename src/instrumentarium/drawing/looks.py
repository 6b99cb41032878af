"""How the pictures look: a fixed style whatever the user's settings, colours for colour-blind readers, stable bytes."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import matplotlib.style as mpl_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from instrumentarium.drawing.colours import INSTRUMENT_COLOURS

DPI = 110
VERMILION = "#D55E00"
PALE = "#D5D5D5"
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
"""Okabe and Ito's colours, which people with any kind of colour vision tell apart; without yellow, too pale on white."""
MARKERS = "osD^vPX<>ph"
INSTRUMENT_LOOKS: Mapping[str, tuple[str, str]] = {
    code: (colour, marker) for (code, colour), marker in zip(INSTRUMENT_COLOURS.items(), MARKERS, strict=True)
}
"""Colour and marker."""
TEXT = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 7.0,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style whatever matplotlibrc the user keeps."""
    with mpl_style.context(["default", TEXT], after_reset=True):
        yield


def new_figure(width_in: float, height_in: float, *, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure that needs no display; without `layout`, axes stay where they are put."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG without date, software or version."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
