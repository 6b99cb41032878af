"""Patch shuffle: the points of small patches in another order (Kang, Dong, Zheng, Yang: PatchShuffle regularization, 2017).

Within a patch the values stay what they were, so timbre over longer stretches stays, and detail is lost.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, happens
from instrumentarium.training.augment.params import PatchShuffleParams


@dataclass(frozen=True)
class PatchDraw:
    """The order of each patch's points; patches side by side in time, then the next bands."""

    chosen: Tensor  # (batch,) bool
    order: Tensor  # (batch, patches, points)


class PatchShuffle(Augmentation):
    """Patches of features shuffled, all channels alike; bands and frames that fill no patch stay as they are."""

    domain: Domain = "features"
    by_row = True

    def __init__(self, params: PatchShuffleParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> PatchDraw:
        """Draw for a batch (batch, channels, rows, frames)."""
        params = self.params
        patches = (shape[-2] // params.bands) * (shape[-1] // params.frames)
        chosen = happens(params.probability, shape[0], generator)
        order = torch.rand(shape[0], patches, params.bands * params.frames, generator=generator).argsort(dim=2)
        return PatchDraw(chosen, order)

    def apply(self, x: Tensor, draw: PatchDraw) -> Tensor:
        """Return the shuffled features."""
        bands, frames = self.params.bands, self.params.frames
        high, wide = x.shape[-2] // bands, x.shape[-1] // frames  # patches one above the other, and side by side

        def shuffled(features: Tensor, places: Tensor) -> Tensor:
            rows, channels = features.shape[:2]
            whole = features[..., : high * bands, : wide * frames]
            patches = whole.reshape(rows, channels, high, bands, wide, frames).transpose(3, 4).flatten(4).flatten(2, 3)
            order = draw.order[places].to(x.device)[:, None].expand_as(patches)  # (rows, channels, patches, points)
            moved = patches.gather(3, order).view(rows, channels, high, wide, bands, frames).transpose(3, 4)
            features[..., : high * bands, : wide * frames] = moved.reshape(whole.shape)
            return features

        return change_rows(x, draw.chosen, shuffled)
