"""What an augmentation is: two steps, so that a draw can be logged, replayed, and batched on the device.

Parameters are drawn from a seeded generator on the processor, so that the draw is the same whatever the device; then they
are applied to a batch deterministically.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

Domain = Literal["sources", "waveform", "power", "features"]
"""What an augmentation is applied to.

`sources` are a window and what is put together with it, (batch, sources, samples), of which waveforms (batch, samples)
come out. Then come waveforms, band powers (batch, bands, frames), and normalised features, with channels before bands.
"""


class Augmentation(ABC):
    """One augmentation of a batch.

    Attributes:
        domain: what it is applied to.
        by_row: whether what becomes of a row follows from the row itself and what was drawn for it.
    """

    domain: Domain
    by_row: bool = False

    @abstractmethod
    def draw(self, shape: torch.Size, generator: torch.Generator) -> Any:
        """Draw what is done to each row of a batch of this shape, from a CPU generator."""

    @abstractmethod
    def apply(self, x: Tensor, draw: Any) -> Tensor:
        """Return the augmented batch."""

    def unite(self, targets: Tensor, observed: Tensor, draw: Any) -> tuple[Tensor, Tensor]:
        """Return targets and observed, both (batch, instruments), of the augmented batch; most leave them as they are."""
        return targets, observed


def draw_of(draw: Any, rows: slice) -> Any:
    """Return the part of a draw that is for some rows; all that it holds is (batch, ...)."""
    return replace(draw, **{field.name: getattr(draw, field.name)[rows] for field in fields(draw)})


def happens(probability: float, batch: int, generator: torch.Generator) -> Tensor:
    """Draw (batch,), True with this probability."""
    return torch.rand(batch, generator=generator) < probability


def uniform(low: float, high: float, size: int, generator: torch.Generator) -> Tensor:
    """Draw (size,) between two numbers."""
    return low + (high - low) * torch.rand(size, generator=generator)


def log_uniform(low: float, high: float, size: int, generator: torch.Generator) -> Tensor:
    """Draw (size,) between two positive numbers, evenly in their logarithm."""
    return low * (high / low) ** torch.rand(size, generator=generator)


def draw_seed(generator: torch.Generator) -> int:
    """Draw the seed of what is drawn on the device, such as noise."""
    return int(torch.randint(2**62, (1,), generator=generator))


def change_rows(x: Tensor, chosen: Tensor, change: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return `x`, (batch, ...), with `change(rows of x, their places on the processor)` in place of the chosen rows."""
    places = chosen.nonzero()[:, 0]
    if not len(places):
        return x
    rows, changed = places.to(x.device), x.clone()
    changed[rows] = change(x[rows], places)
    return changed
