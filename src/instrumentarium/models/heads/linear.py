"""The plain head: pooling over time, dropout, one linear layer."""

from torch import Tensor, nn

from instrumentarium.models.heads.base import Head, HeadOutput, Pooling, pool_steps, pooled_size


class LinearHead(Head):
    """(batch, size, steps) → one linear layer over the mean, or over the mean and the maximum, of all steps."""

    def __init__(self, size: int, instruments: int, pooling: Pooling, dropout: float) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.embedding_size = pooled_size(size, pooling)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(self.embedding_size, instruments)

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits and embedding."""
        pooled = pool_steps(embeddings, self.pooling)
        return HeadOutput(self.linear(self.dropout(pooled)), pooled)
