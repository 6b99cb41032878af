"""The picture of a pre-training: loss and accuracy of the pretext task by epoch."""

from collections.abc import Sequence

from instrumentarium.drawing.colours import BLUE, VERMILION
from instrumentarium.drawing.style import PAGE_IN, new_figure, styled, to_png

HEIGHT_IN = 2.4


def draw_curves(rows: Sequence[dict[str, float]], method: str) -> bytes:
    """Return a PNG of loss and accuracy, in training and validation, over epochs."""
    epochs = [row["epoch"] for row in rows]
    with styled():
        figure = new_figure(PAGE_IN, HEIGHT_IN, layout="constrained")
        for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for part, colour in (("train", BLUE), ("validation", VERMILION)):
                axes.plot(epochs, [row[f"{part}_{what}"] for row in rows], marker="o", color=colour, label=part)
            axes.set(xlabel="epoch", ylabel=what, title=f"{method}: {what}")
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
        return to_png(figure)
