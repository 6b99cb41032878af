"""What an augmentation is: two steps, so that a draw can be logged, replayed, and batched on the device.

Parameters are drawn from a seeded generator on the processor, so that the draw is the same whatever the device; then they
are applied to a batch deterministically.
"""

from abc import ABC, abstractmethod
from typing import Any, Literal

import torch
from torch import Tensor

Domain = Literal["waveform", "power", "features"]
"""Waveforms (batch, samples), band powers (batch, bands, frames), or normalised features, with channels before bands."""


class Augmentation(ABC):
    """One augmentation of a batch.

    Attributes:
        domain: what it is applied to.
    """

    domain: Domain

    @abstractmethod
    def draw(self, shape: torch.Size, generator: torch.Generator) -> Any:
        """Draw what is done to each row of a batch of this shape, from a CPU generator."""

    @abstractmethod
    def apply(self, x: Tensor, draw: Any) -> Tensor:
        """Return the augmented batch."""

    def unite(self, targets: Tensor, observed: Tensor, draw: Any) -> tuple[Tensor, Tensor]:
        """Return targets and observed, both (batch, instruments), of the augmented batch; most leave them as they are."""
        return targets, observed
