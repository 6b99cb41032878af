"""Contrastive learning: two windows of one recording lie close together, windows of other recordings apart.

The loss is NT-Xent: Chen, Kornblith, Norouzi, Hinton: A simple framework for contrastive learning of visual
representations, ICML 2020. That windows of one recording make good pairs for audio is from Saeed, Grangier, Zeghidour:
Contrastive learning of general-purpose audio representations (COLA), ICASSP 2021.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone
from instrumentarium.pretraining.pretext import Pretext, PretextOutput

PROJECTED = 128
"""Size of what is compared, as in SimCLR."""


def cosine_similarities(embeddings: Tensor) -> Tensor:
    """Return the cosines of all pairs of rows, (rows, rows), -inf for a row with itself."""
    unit = F.normalize(embeddings.float(), dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    return (unit @ unit.T).masked_fill(itself, -torch.inf)


def partners(pairs: int, device: torch.device) -> Tensor:
    """Return the row of each row's partner, (2 · pairs,), where row n and row n + pairs belong together."""
    return torch.arange(2 * pairs, device=device).roll(pairs)


def nt_xent(embeddings: Tensor, temperature: float) -> Tensor:
    """Return the mean loss of rows (2 · pairs, size): the cross-entropy of finding one's partner among all other rows."""
    similarities = cosine_similarities(embeddings)
    return F.cross_entropy(similarities / temperature, partners(len(embeddings) // 2, embeddings.device))


class Contrastive(Pretext):
    """Features of pairs → NT-Xent of their projected mean embeddings.

    The accuracy is the share of windows to which, of all windows in the batch, their partner is the most similar.
    """

    paired = True

    def __init__(self, backbone: Backbone, *, temperature: float) -> None:
        super().__init__(backbone)
        self.temperature = temperature
        self.projection = nn.Sequential(
            nn.Linear(backbone.size, backbone.size), nn.ReLU(), nn.Linear(backbone.size, PROJECTED)
        )

    def draw(self, batch: int, generator: torch.Generator) -> None:
        """Draw nothing: what differs between the windows of a pair is where they were cut, and their augmentation."""

    def forward(self, features: Tensor, draw: None) -> PretextOutput:
        """Return loss and accuracy."""
        embeddings = self.projection(self.backbone(features).mean(dim=2)).float()
        found = cosine_similarities(embeddings.detach()).argmax(dim=1)
        own = partners(len(embeddings) // 2, embeddings.device)
        return PretextOutput(nt_xent(embeddings, self.temperature), (found == own).float().mean())
