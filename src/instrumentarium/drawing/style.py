"""How every figure looks: sizes for a two-column paper, one look an instrument, bytes that never change.

An instrument has the colour that it has everywhere, and besides a line style and a marker, since no eleven colours are told
apart by everybody. All else takes colours of Okabe and Ito's (Color Universal Design, 2008), which people with any kind of
colour vision tell apart.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.style as mpl_style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from instrumentarium.drawing.colours import INSTRUMENT_COLOURS
from instrumentarium.tables.taxonomy import CODES, NAMES

RGB = tuple[int, int, int]

COLUMN_IN = 3.4
"""Width of one column of a two-column page, inches."""
PAGE_IN = 7.0
"""Width of both columns, inches."""
DPI = 300

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, GREY, PALE = "#000000", "#767676", "#D0D0D0"
TICKS, TICK_LABELS = (0.0, 0.5, 1.0), ("0", "0.5", "1")
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, *INSTRUMENT_COLOURS.values())

TEXT = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.0,
    "ytick.labelsize": 6.0,
    "legend.fontsize": 6.0,
    "axes.linewidth": 0.6,
    "axes.titlepad": 3.0,
    "axes.labelpad": 2.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "hatch.linewidth": 0.3,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.0,
}


@dataclass(frozen=True)
class Look:
    """How one curve is drawn."""

    colour: str
    line: str
    marker: str
    name: str


_LINES = ("-", "--")
_MARKERS = "osD^vPXd*hp"
LOOKS: dict[str, Look] = {
    **{code: Look(INSTRUMENT_COLOURS[code], _LINES[k % 2], _MARKERS[k], NAMES[code]) for k, code in enumerate(CODES)},
    "micro": Look(INK, ":", "", "micro"),
    "macro": Look(INK, "-", "", "macro"),
}
"""Instruments in taxonomy order, then the averages; the same in every figure."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style whatever matplotlibrc the user keeps."""
    with mpl_style.context(["default", TEXT], after_reset=True):
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure that needs no display."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def instrument_grid(*, height_in: float = 4.6, x_label: str, y_label: str) -> tuple[Figure, dict[str, Axes], Axes]:
    """Return a page-wide figure with a panel for each instrument, and the twelfth panel.

    Panels share both axes; only the outer ones are labelled.
    """
    figure = new_figure(PAGE_IN, height_in)
    grid = figure.subplots(3, 4, sharex=True, sharey=True)
    figure.subplots_adjust(left=0.07, right=0.99, bottom=0.09, top=0.95, wspace=0.12, hspace=0.28)
    panels = list(grid.flat)
    for code, panel in zip(CODES, panels, strict=False):
        panel.set_title(NAMES[code])
    figure.supxlabel(x_label, fontsize=TEXT["axes.labelsize"], y=0.01)
    figure.supylabel(y_label, fontsize=TEXT["axes.labelsize"], x=0.005)
    return figure, dict(zip(CODES, panels, strict=False)), panels[-1]


def to_png(figure: Figure, *, dpi: int = DPI, palette: Sequence[RGB] | None = None) -> bytes:
    """Return a figure as PNG: the same figure gives the same bytes, for one version of matplotlib and Pillow.

    Args:
        figure: drawn inside `styled`.
        dpi: pixels an inch.
        palette: at most 256 colours, to the nearest of which every pixel is moved, which makes a photograph-like picture
            several times smaller; None keeps all colours.
    """
    buffer = io.BytesIO()
    # the bare pixels: a PNG of matplotlib's would only be decoded again
    figure.savefig(buffer, format="rgba", dpi=dpi, facecolor="white")
    size = int(figure.get_figwidth() * dpi), int(figure.get_figheight() * dpi)  # as matplotlib rounds
    image: Image.Image = Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")
    if palette is not None:
        image = _with_palette(image, palette)
    result = io.BytesIO()
    image.save(result, format="png", optimize=True, dpi=(dpi, dpi))
    return result.getvalue()


def _with_palette(image: Image.Image, palette: Sequence[RGB]) -> Image.Image:
    """Move every pixel to the nearest colour of `palette`.

    Pillow would look for it only roughly, so that white turns grey; and a palette it makes from the picture gives up the
    few pixels of a short bar.
    """
    pixels = np.asarray(image, dtype=np.int64)
    packed = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    nearest = np.zeros(1 << 24, dtype=np.uint8)
    occurs = np.zeros(1 << 24, dtype=np.bool_)
    occurs[packed] = True
    found = np.flatnonzero(occurs)
    colours = np.stack([found >> 16, (found >> 8) & 255, found & 255], axis=1).astype(np.float64)
    targets = np.array(palette, dtype=np.float64)
    nearest[found] = np.argmin((targets**2).sum(axis=1) - 2 * colours @ targets.T, axis=1)
    reduced = Image.fromarray(nearest[packed], mode="P")
    reduced.putpalette([part for colour in palette for part in colour])
    return reduced


def palette_of(colour_map: str, colours: Sequence[str], *, levels: int, shades: int) -> list[RGB]:
    """Return `levels` colours of a colour map, and `shades` from white to each of `colours`."""
    places = np.linspace(0, 1, levels)
    parts = [mpl.colormaps[colour_map](places)[:, :3]]
    steps = np.linspace(0, 1, shades)[:, None]
    parts += [1 - steps * (1 - np.array(to_rgb(colour))) for colour in colours]
    wanted = np.round(255 * np.vstack(parts)).astype(int).tolist()
    return [(red, green, blue) for red, green, blue in wanted]
