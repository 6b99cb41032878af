"""What a pretext task is: a loss on features alone, whose labels are made of the features themselves."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone


@dataclass(frozen=True)
class PretextOutput:
    """The loss of a batch, and which share of its questions is answered right, both scalars."""

    loss: Tensor
    accuracy: Tensor


class Pretext(nn.Module):
    """Features of a batch → loss and accuracy.

    Attributes:
        backbone: what is trained, and kept.
        paired: whether the rows of a batch come in pairs, each of two windows of one recording: the first half of the
            rows are the first windows, the second half the second ones, in the same order.
    """

    backbone: Backbone
    paired: bool = False

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    @abstractmethod
    def draw(self, batch: int, generator: torch.Generator) -> Any:
        """Draw what is done to each of a batch's windows, from a CPU generator."""

    @abstractmethod
    def forward(self, features: Tensor, draw: Any) -> PretextOutput:
        """Return loss and accuracy."""
