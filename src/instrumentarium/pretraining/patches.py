"""Patches: the tiles of a spectrogram that are masked, moved and predicted.

Features are (batch, channels, bands, frames). A grid covers them from the first band and frame on; bands and frames at the
end that do not fill a patch belong to none, and stay as they are. Patches are numbered row by row, a row being all patches
of the same bands, and hold their values as (channels, bands, frames) flattened.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.models.backbones.base import FeatureShape
from instrumentarium.runtime.errors import UserError

FEWEST = 4
"""Patches of a window, below which there is nothing to choose from."""


class PatchError(UserError, ValueError):
    """Patches of the size asked for cannot be cut from the spectrograms at hand."""


@dataclass(frozen=True)
class Grid:
    """Patches of `bands` × `frames`, in so many rows and columns, of features with `channels`."""

    channels: int
    bands: int
    frames: int
    rows: int
    columns: int

    @property
    def patches(self) -> int:
        """Patches of a window."""
        return self.rows * self.columns

    @property
    def values(self) -> int:
        """Values of a patch."""
        return self.channels * self.bands * self.frames

    def cut(self, features: Tensor) -> Tensor:
        """Return the patches of features, (batch, patches, values)."""
        covered = features[..., : self.rows * self.bands, : self.columns * self.frames]
        tiles = covered.reshape(-1, self.channels, self.rows, self.bands, self.columns, self.frames)
        return tiles.permute(0, 2, 4, 1, 3, 5).reshape(len(features), self.patches, self.values)

    def put(self, features: Tensor, patches: Tensor) -> Tensor:
        """Return features with other patches, (batch, patches, values), in place of their own."""
        tiles = patches.reshape(-1, self.rows, self.columns, self.channels, self.bands, self.frames)
        shape = (len(features), self.channels, self.rows * self.bands, self.columns * self.frames)
        covered = tiles.permute(0, 3, 1, 4, 2, 5).reshape(shape)
        result = features.clone()
        result[..., : self.rows * self.bands, : self.columns * self.frames] = covered
        return result


def grid_of(shape: FeatureShape, bands: int, frames: int) -> Grid:
    """Return the grid of patches of `bands` × `frames` over features of this shape.

    Raises:
        PatchError: if fewer than FEWEST patches fit, or the features are no spectrograms.
    """
    if len(shape) != 3:
        raise PatchError("patches are cut from spectrograms, and the front end makes waveforms")
    channels, all_bands, all_frames = shape
    grid = Grid(channels, bands, frames, all_bands // bands, all_frames // frames)
    if grid.patches < FEWEST:
        raise PatchError(
            f"pretraining.patch_bands {bands} and patch_frames {frames} leave {grid.patches} patches of a window of "
            f"{all_bands} bands and {all_frames} frames (at least {FEWEST}); choose smaller patches"
        )
    return grid


def patches_in_share(share: float, patches: int, fewest: int) -> int:
    """Return how many of a window's patches a share is: at least `fewest`, and not all."""
    return min(max(round(share * patches), fewest), patches - 1)


def draw_patches(batch: int, patches: int, chosen: int, generator: torch.Generator) -> Tensor:
    """Draw, for each window, the numbers of `chosen` of its patches in random order, (batch, chosen) on the CPU."""
    return torch.rand(batch, patches, generator=generator).argsort(dim=1)[:, :chosen]


def marked(places: Tensor, patches: int) -> Tensor:
    """Return (batch, patches), True at the numbers in `places`, (batch, chosen)."""
    found = torch.zeros(len(places), patches, dtype=torch.bool, device=places.device)
    return found.scatter(1, places, torch.ones_like(places, dtype=torch.bool))
