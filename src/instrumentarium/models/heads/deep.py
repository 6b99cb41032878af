"""The deep head: pooling over time, hidden layers that all instruments share, one linear layer."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from instrumentarium.models.heads.base import Head, HeadOutput, Pooling, pool_steps, pooled_size


class DeepHead(Head):
    """(batch, size, steps) → hidden layers over what is pooled over all steps, each with dropout at its input.

    Dropout comes before a layer, never behind the last one: a logit that is dropped says 0.5, whatever was found. The
    embedding is the pooled one, before the hidden layers.
    """

    def __init__(self, size: int, instruments: int, pooling: Pooling, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.embedding_size = pooled_size(size, pooling)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise([self.embedding_size, *hidden]):
            layers += [nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(hidden[-1], instruments))

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits and embedding."""
        pooled = pool_steps(embeddings, self.pooling)
        return HeadOutput(self.layers(pooled), pooled)
