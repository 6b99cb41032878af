"""Rectangles without features (Zhong, Zheng, Kang, Li, Yang: Random erasing data augmentation, AAAI 2020)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, happens, log_uniform, uniform
from instrumentarium.training.augment.params import ErasingParams

SMALLEST_AREA = 0.02
"""Share of the spectrogram, as in the paper, unless the largest is less."""
FLATTEST = 0.3
"""Height by width, in points; the steepest is its inverse. As in the paper."""


@dataclass(frozen=True)
class ErasingDraw:
    """The rectangles of each spectrogram."""

    top: Tensor  # (batch, rectangles) first row
    left: Tensor  # (batch, rectangles) first frame
    height: Tensor  # (batch, rectangles) rows; 0 where there is no rectangle
    width: Tensor  # (batch, rectangles) frames


class RandomErasing(Augmentation):
    """Rectangles of normalised features set to 0, the training mean."""

    domain: Domain = "features"
    by_row = True

    def __init__(self, params: ErasingParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> ErasingDraw:
        """Draw for a batch (batch, channels, rows, frames): any number of rectangles up to the most, but at least one."""
        batch, most, (rows, frames) = shape[0], self.params.rectangles, shape[-2:]
        chosen = happens(self.params.probability, batch, generator)
        count = torch.randint(1, most + 1, (batch,), generator=generator)
        there = chosen[:, None] & (torch.arange(most)[None, :] < count[:, None])
        smallest = min(SMALLEST_AREA, self.params.area)
        area = uniform(smallest, self.params.area, batch * most, generator) * rows * frames
        aspect = log_uniform(FLATTEST, 1 / FLATTEST, batch * most, generator)
        # rounded down, and cut where it is larger than the spectrogram: never more than its area; a square root is what
        # processors differ in (`STRICT`)
        height = (1 / (area * aspect).rsqrt()).floor().clamp(1, rows)
        width = (area / height).floor().clamp(1, frames)
        top = (torch.rand(batch * most, generator=generator) * (rows - height + 1)).floor()
        left = (torch.rand(batch * most, generator=generator) * (frames - width + 1)).floor()
        top, left, height, width = (each.long().view(batch, most) for each in (top, left, height, width))
        return ErasingDraw(top, left, torch.where(there, height, 0), width)

    def apply(self, x: Tensor, draw: ErasingDraw) -> Tensor:
        """Return the features without what is in a rectangle."""
        inside = _within(draw.top, draw.height, x.shape[-2])[..., :, None]
        inside = inside & _within(draw.left, draw.width, x.shape[-1])[..., None, :]  # (batch, rectangles, rows, frames)
        return x.masked_fill(inside.any(dim=1)[:, None].to(x.device), 0.0)


def _within(start: Tensor, length: Tensor, size: int) -> Tensor:
    place = torch.arange(size)
    return (place >= start[..., None]) & (place < (start + length)[..., None])
