"""The plain head: pooling over time, dropout, one linear layer."""

from typing import Literal

import torch
from torch import Tensor, nn

from instrumentarium.models.heads.base import Head, HeadOutput


class LinearHead(Head):
    """(batch, size, steps) → one linear layer over the mean, or over the mean and the maximum, of all steps.

    An instrument that plays for a part of the window shows in the maximum.
    """

    def __init__(self, size: int, instruments: int, pooling: Literal["mean", "mean_max"], dropout: float) -> None:
        super().__init__()
        self.pooling = pooling
        self.embedding_size = 2 * size if pooling == "mean_max" else size
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(self.embedding_size, instruments)

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits and embedding."""
        pooled = embeddings.mean(dim=2)
        if self.pooling == "mean_max":
            pooled = torch.cat([pooled, embeddings.amax(dim=2)], dim=1)
        return HeadOutput(self.linear(self.dropout(pooled)), pooled)
