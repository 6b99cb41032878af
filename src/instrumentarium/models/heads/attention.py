"""Attention over time: each instrument weighs the steps by a softmax of its own.

The decision-level attention of Kong, Yu, Xu, Iqbal, Wang, Plumbley: Weakly labelled AudioSet tagging with attention neural
networks, IEEE/ACM TASLP 2019, with logits in the place of probabilities.
"""

from torch import Tensor, nn

from instrumentarium.models.heads.base import Head, HeadOutput


class AttentionHead(Head):
    """(batch, size, steps) → the attention-weighted mean of each step's logits; the embedding is the mean over steps."""

    def __init__(self, size: int, instruments: int, dropout: float) -> None:
        super().__init__()
        self.embedding_size = size
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(size, instruments)
        self.attention = nn.Linear(size, instruments)

    def forward(self, embeddings: Tensor) -> HeadOutput:
        """Return logits, embedding and attention."""
        steps = self.dropout(embeddings.transpose(1, 2))  # (batch, steps, size)
        attention = self.attention(steps).softmax(dim=1)  # (batch, steps, instruments)
        logits = (attention * self.scores(steps)).sum(dim=1)
        return HeadOutput(logits, embeddings.mean(dim=2), attention.transpose(1, 2))
