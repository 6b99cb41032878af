"""What else may be known of a clip besides its sound, such as its genre: vectors that are added to its embeddings."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from instrumentarium.models.params import SideInput

SideValues = Mapping[SideInput, Sequence[str]]
"""The values that a model knows of each of its side inputs, in the order of their codes; side inputs by name."""
UNKNOWN = -1
"""The code of a value that is not known, or that the model does not know."""


class SideInputs(nn.Module):
    """Embeddings (batch, size, steps) and codes (batch, inputs) → embeddings, each with a vector for each value added.

    The vectors begin as zeros, and what is unknown adds nothing: a model given none is one without side inputs.
    """

    def __init__(self, values: SideValues, size: int) -> None:
        super().__init__()
        self.names = tuple(values)
        self.tables = nn.ParameterDict({name: nn.Parameter(torch.zeros(len(values[name]), size)) for name in values})

    def forward(self, embeddings: Tensor, codes: Tensor) -> Tensor:
        """Return the embeddings with what the codes add to every step."""
        for name, column in zip(self.names, codes.T, strict=True):
            known = (column != UNKNOWN)[:, None]
            vectors = self.tables[name][column.clamp(min=0)] * known  # (batch, size)
            embeddings = embeddings + vectors[:, :, None]
        return embeddings
