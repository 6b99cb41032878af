"""Patch-shuffle detection: some patches of a spectrogram have changed places, and the backbone says which.

Like jigsaw puzzles (Noroozi, Favaro: Unsupervised learning of visual representations by solving jigsaw puzzles, ECCV 2016),
but with a yes or no for each patch, so that there is no fixed set of permutations and most of the picture stays whole.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.pretraining.decoder import PatchDecoder, map_and_embeddings
from instrumentarium.pretraining.patches import Grid, draw_patches, marked, patches_in_share
from instrumentarium.pretraining.pretext import Pretext, PretextOutput


class PatchShuffleDetection(Pretext):
    """Normalised features (batch, channels, bands, frames) → binary cross-entropy over all patches: displaced or not.

    Both kinds weigh the same in loss and accuracy, so chance is one half whatever the share.
    """

    def __init__(self, backbone: Backbone, shape: FeatureShape, grid: Grid, *, share: float) -> None:
        super().__init__(backbone)
        self.grid = grid
        self.moved = patches_in_share(share, grid.patches, 2)
        self.decoder = PatchDecoder(backbone, shape, grid, 1)

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Draw which patches move, (batch, moved): each takes the place of the one after it, the last that of the first."""
        return draw_patches(batch, self.grid.patches, self.moved, generator)

    def forward(self, features: Tensor, draw: Tensor) -> PretextOutput:
        """Return loss and accuracy for the displaced patches `draw`."""
        places = draw.to(features.device)
        patches = self.grid.cut(features)
        rows = torch.arange(len(places), device=places.device)[:, None]
        shuffled = patches.clone()
        shuffled[rows, places.roll(-1, dims=1)] = patches[rows, places]
        decoded = self.decoder(*map_and_embeddings(self.backbone, self.grid.put(features, shuffled)))
        logits = decoded.float()[..., 0]  # (batch, patches)
        displaced = marked(places, self.grid.patches)
        still = self.grid.patches - self.moved
        weights = torch.where(displaced, 0.5 / self.moved, 0.5 / still)  # of a window, they sum to 1
        losses = F.binary_cross_entropy_with_logits(logits, displaced.float(), reduction="none")
        right = ((logits > 0) == displaced).float()
        return PretextOutput((losses * weights).sum(dim=1).mean(), (right * weights).sum(dim=1).mean())
