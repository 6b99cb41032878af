"""The picture of one explanation: the spectrogram of a window, and over it where the evidence lies."""

import unicodedata

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from instrumentarium.drawing.colours import VERMILION
from instrumentarium.drawing.style import new_figure, styled, to_png
from instrumentarium.explaining.choosing import Choice
from instrumentarium.explaining.maps import Method
from instrumentarium.explaining.strongest import ExplainedWindow

TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
CLOSEST = 0.07
"""Two ticks are at least this share of the axis apart."""
LONGEST_ID = 78
"""Characters of a clip's id that fit above the picture."""
STRONGEST = 0.85
"""Opacity of the strongest evidence: the spectrogram stays visible under it."""
PALE = 0.55
"""Opacity of the greys, so that colour shows on the loudest cells too."""
EXPONENTS = {"gradcam": 1.0, "attention": 1.0, "gradients": 0.5}
"""From evidence to opacity: integrated gradients have a few peaks beside which all else would vanish."""
SPECTROGRAM, SCALE, EVIDENCE = (
    (0.084, 0.17, 0.397, 0.585),
    (0.501, 0.17, 0.011, 0.585),
    (0.586, 0.17, 0.397, 0.585),
)
"""Left, bottom, width and height of the panels and the colour scale, as shares of the picture. All pictures are alike, so
their layout need not be solved for each, which takes longer than to draw it."""
TRUTHS = {"plays": "plays", "silent": "does not play", "unknown": "without a label"}
METHODS = {"gradcam": "Grad-CAM", "attention": "attention", "gradients": "integrated gradients"}


def draw_overlay(
    window: ExplainedWindow, choice: Choice, method: Method, band_centres_hz: npt.NDArray[np.float64], hop_s: float
) -> bytes:
    """Return a PNG of two panels: the spectrogram, and the spectrogram in greys with the evidence in vermilion over it.

    Args:
        window: what the model got, and where the evidence lies in it: at the spectrogram's resolution, or a coarser one.
        choice: which clip and instrument it is about.
        method: how the evidence was found.
        band_centres_hz: (bands,), rising.
        hop_s: from one frame to the next.
    """
    bands, frames = window.spectrogram.shape
    first = window.start_s - hop_s / 2  # frames are centred
    extent = (first, first + frames * hop_s, -0.5, bands - 0.5)
    colour = np.array(to_rgba(VERMILION))
    layer = np.broadcast_to(colour, (*window.evidence.shape, 4)).copy()
    layer[..., 3] = STRONGEST * window.evidence ** EXPONENTS[method]
    with styled():
        figure = new_figure(5.8, 2.2)
        left = figure.add_axes(SPECTROGRAM)
        right = figure.add_axes(EVIDENCE, sharex=left, sharey=left)
        right.tick_params(labelleft=False)
        image = left.imshow(
            window.spectrogram, cmap="cividis", origin="lower", aspect="auto", extent=extent, interpolation="nearest"
        )
        right.imshow(
            window.spectrogram,
            cmap="gray_r",
            alpha=PALE,
            origin="lower",
            aspect="auto",
            extent=extent,
            interpolation="nearest",
        )
        right.imshow(layer, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
        left.set_title("spectrogram")
        right.set_title(
            f"evidence for {choice.instrument_name}, {METHODS[method]}{': none' if window.is_empty else ''}"
        )
        if window.is_empty:
            right.text(
                0.5,
                0.5,
                "Nothing in this window speaks for it:\nthe map is 0 throughout.",
                transform=right.transAxes,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 3},
            )
        left.set_ylabel("mel band, Hz")
        _label_bands(left, band_centres_hz)
        for axes in (left, right):
            axes.set_xlabel("seconds of the clip")
        figure.colorbar(image, cax=figure.add_axes(SCALE)).ax.set_title("dB", fontsize="medium")
        figure.suptitle(title(choice, window), fontsize=7.5)
        return to_png(figure)


def title(choice: Choice, window: ExplainedWindow) -> str:
    """Return the two lines above a picture: instrument, truth, scores; then the clip."""
    clip_id = _printable(choice.clip_id)
    end_s = window.start_s + window.duration_s
    return (
        f"{choice.instrument_name} {TRUTHS[choice.truth]}: score {choice.score:.2f}, of this window "
        f"({window.start_s:.1f} to {end_s:.1f} s) {window.window_score:.2f}\n"
        f"{clip_id if len(clip_id) <= LONGEST_ID else '…' + clip_id[-LONGEST_ID + 1 :]}"
    )


def _printable(text: str) -> str:
    """Return `text` as the font can show it, and nothing of it read as a formula."""
    shown = "".join(c if c.isprintable() and ord(c) < 0x2E80 else "?" for c in unicodedata.normalize("NFC", text))
    return shown.replace("$", r"\$")


def _label_bands(axes: Axes, band_centres_hz: npt.NDArray[np.float64]) -> None:
    """Put ticks at round frequencies, between the bands whose centres enclose them, as far as they have room."""
    bands = len(band_centres_hz)
    shown: list[int] = []
    places: list[float] = []
    for hz in TICKS_HZ:
        place = float(np.interp(hz, band_centres_hz, np.arange(bands)))
        if band_centres_hz[0] <= hz <= band_centres_hz[-1] and (not places or place - places[-1] > CLOSEST * bands):
            shown.append(hz)
            places.append(place)
    axes.set_yticks(places, [f"{hz // 1000} k" if hz >= 1000 else str(hz) for hz in shown])
