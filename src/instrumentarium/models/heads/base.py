"""What a head is: it pools embeddings over time and gives one logit an instrument."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal["mean", "mean_max"]


@dataclass(frozen=True)
class HeadOutput:
    """What a head makes of a batch.

    Attributes:
        logits: (batch, instruments).
        embedding: (batch, embedding size), of the whole window.
        attention: (batch, instruments, steps), weights over time that sum to 1; None where the head has none.
    """

    logits: Tensor
    embedding: Tensor
    attention: Tensor | None = None


class Head(nn.Module):
    """Embeddings (batch, size, steps) → HeadOutput.

    Attributes:
        embedding_size: of the window's embedding.
    """

    embedding_size: int

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits and embedding."""
        raise NotImplementedError


def pooled_size(size: int, pooling: Pooling) -> int:
    """Return the size that embeddings of `size` have once they are pooled over time."""
    return 2 * size if pooling == "mean_max" else size


def pool_steps(embeddings: Tensor, pooling: Pooling) -> Tensor:
    """Return (batch, pooled size): the mean of (batch, size, steps), or mean and maximum one after the other.

    An instrument that plays for a part of the window shows in the maximum.
    """
    mean = embeddings.mean(dim=2)
    return torch.cat([mean, embeddings.amax(dim=2)], dim=1) if pooling == "mean_max" else mean
