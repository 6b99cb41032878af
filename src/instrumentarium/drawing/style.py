"""How pictures look: one style whatever the user's settings, drawn without a display, bytes that never change.

Plots of rows are not drawn here: they are Vega-Lite templates (`instrumentarium.reporting.charts`). This is for pictures
with a spectrogram in them, and for clouds of points.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import matplotlib as mpl
import matplotlib.style as mpl_style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

RGB = tuple[int, int, int]

DPI = 130
PAGE_IN = 7.0
"""Width of both columns of a two-column page, inches."""

TEXT = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
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
    "lines.linewidth": 1.1,
    "lines.markersize": 3.0,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style whatever matplotlibrc the user keeps."""
    with mpl_style.context(["default", TEXT], after_reset=True):
        yield


def new_figure(width_in: float, height_in: float, *, layout: Literal["constrained"] | None = None) -> Figure:
    """Return an empty figure that needs no display; without `layout`, axes stay where they are put."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure, *, palette: Sequence[RGB] | None = None) -> bytes:
    """Return a figure as PNG without date, software or version: the same figure gives the same bytes.

    Args:
        figure: drawn inside `styled`.
        palette: at most 256 colours, to the nearest of which every pixel is moved, which makes a photograph-like picture
            several times smaller; None keeps all colours.
    """
    buffer = io.BytesIO()
    if palette is None:
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()
    # the bare pixels: a PNG of matplotlib's would only be decoded again
    figure.savefig(buffer, format="rgba", dpi=DPI, facecolor="white")
    size = int(figure.get_figwidth() * DPI), int(figure.get_figheight() * DPI)  # as matplotlib rounds
    image = _with_palette(Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB"), palette)
    result = io.BytesIO()
    image.save(result, format="png", compress_level=6, dpi=(DPI, DPI))
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
