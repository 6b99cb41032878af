"""Masked patches: a backbone sees a spectrogram with holes, and says what was in them.

Two terms, as in SSAST: the values of a masked patch are predicted (generative, mean squared error), and it is found among
all masked patches of its window (discriminative, InfoNCE). Other than there, the mask is laid over the spectrogram, so that
any backbone can be trained by it, and the similarity is a cosine.

Gong, Lai, Chung, Glass: SSAST: Self-supervised audio spectrogram transformer, AAAI 2022.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.pretraining.decoder import PatchDecoder, map_and_embeddings
from instrumentarium.pretraining.patches import Grid, draw_patches, marked, patches_in_share
from instrumentarium.pretraining.pretext import Pretext, PretextOutput


class MaskedPatches(Pretext):
    """Normalised features (batch, channels, bands, frames) → the loss over masked patches.

    The accuracy is the share of masked patches that are found among all masked ones of their window; chance is one in as
    many. A patch of the same values as another, such as silence, is found where either is.
    """

    def __init__(
        self,
        backbone: Backbone,
        shape: FeatureShape,
        grid: Grid,
        *,
        share: float,
        temperature: float,
        discriminative_weight: float,
        generative_weight: float,
    ) -> None:
        super().__init__(backbone)
        self.grid = grid
        self.masked = patches_in_share(share, grid.patches, 2)
        self.temperature = temperature
        self.weights = (discriminative_weight, generative_weight)
        self.mask = nn.Parameter(torch.zeros(grid.values))  # what is seen in place of a patch; 0 is the bands' mean
        self.decoder = PatchDecoder(backbone, shape, grid, 2 * grid.values)

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Draw which patches are masked, (batch, masked)."""
        return draw_patches(batch, self.grid.patches, self.masked, generator)

    def forward(self, features: Tensor, draw: Tensor) -> PretextOutput:
        """Return loss and accuracy for the masked patches `draw`."""
        places = draw.to(features.device)
        patches = self.grid.cut(features)
        seen = torch.where(marked(places, self.grid.patches)[:, :, None], self.mask.to(patches.dtype), patches)
        decoded = self.decoder(*map_and_embeddings(self.backbone, self.grid.put(features, seen))).float()
        rows = torch.arange(len(places), device=places.device)[:, None]
        truth, (restored, code) = patches[rows, places].float(), decoded[rows, places].chunk(2, dim=2)
        cosines = F.normalize(code, dim=2) @ F.normalize(truth, dim=2).transpose(1, 2)  # (batch, masked, masked)
        own = torch.arange(self.masked, device=places.device).expand(len(places), -1)
        discriminative = F.cross_entropy((cosines / self.temperature).flatten(0, 1), own.flatten())
        loss = self.weights[0] * discriminative + self.weights[1] * F.mse_loss(restored, truth)
        found = (cosines.diagonal(dim1=1, dim2=2) >= cosines.amax(dim=2)).float().mean()
        return PretextOutput(loss, found)
