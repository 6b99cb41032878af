"""One small network an instrument, all of them as one batched product.

The "Fluffy" head of the lumen-audio system (Lumen Data Science 2023), which held a list of networks and looped over it.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from instrumentarium.models.heads.base import Head, HeadOutput, Pooling, pool_steps, pooled_size


class GroupedLinear(nn.Module):
    """A linear layer for each of several groups: (groups, batch, inputs) → (groups, batch, outputs).

    Weights begin as those of `nn.Linear` do.
    """

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(groups, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(groups, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Return each group's products, and its bias added."""
        return torch.bmm(x, self.weight.transpose(1, 2)) + self.bias.unsqueeze(1)


class PerInstrumentHead(Head):
    """(batch, size, steps) → for each instrument, hidden layers of its own over what is pooled over all steps."""

    def __init__(self, size: int, instruments: int, pooling: Pooling, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.instruments = instruments
        self.embedding_size = pooled_size(size, pooling)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise([self.embedding_size, *hidden]):
            layers += [nn.Dropout(dropout), GroupedLinear(instruments, inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Dropout(dropout), GroupedLinear(instruments, hidden[-1], 1))

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits and embedding."""
        pooled = pool_steps(embeddings, self.pooling)
        x = pooled.expand(self.instruments, -1, -1)  # (instruments, batch, embedding size)
        logits = self.layers(x)  # (instruments, batch, 1)
        return HeadOutput(logits.squeeze(2).t(), pooled)
