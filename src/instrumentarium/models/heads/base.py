"""What a head is: it pools embeddings over time and gives one logit an instrument."""

from dataclasses import dataclass

from torch import Tensor, nn


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
