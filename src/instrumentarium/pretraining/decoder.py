"""From what a backbone makes of a spectrogram to something about each patch of it.

A backbone's embeddings have no axis of bands: a convolutional one averages over them, and with them goes what tells a low
patch from a high one. So a patch is decoded from the embeddings of its time and, where the backbone has a last feature map,
from the map's part in its place as well. A part may cover several patches, so a learnt vector for each place is added.
"""

import torch
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.pretraining.patches import Grid

HIDDEN = 256
"""Of the decoder, which is thrown away: enough that it is not what limits the backbone."""


def map_and_embeddings(backbone: Backbone, features: Tensor) -> tuple[Tensor | None, Tensor]:
    """Return a backbone's last feature map (batch, channels, bands, frames), if it has one, and its embeddings."""
    target = backbone.gradcam_target
    if target is None:
        return None, backbone(features)
    maps: list[Tensor] = []
    handle = target.register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
    try:
        embeddings = backbone(features)
    finally:
        handle.remove()
    return maps[-1], embeddings


def gathering(cells: int, patches: int) -> Tensor:
    """Return the weights (cells, patches) by which cells along an axis are averaged for each patch along it.

    With as many cells as patches or more, a patch has those that begin within it; with fewer, the one that covers its
    beginning.
    """
    weights = torch.zeros(cells, patches)
    if cells >= patches:
        weights[torch.arange(cells), torch.arange(cells) * patches // cells] = 1
    else:
        weights[torch.arange(patches) * cells // patches, torch.arange(patches)] = 1
    return weights / weights.sum(dim=0)


class PatchDecoder(nn.Module):
    """Features of a backbone → (batch, patches, outputs) for patches of `grid`.

    Args:
        backbone: whose embeddings and last map are decoded.
        shape: of the features of one window.
        grid: of the patches.
        outputs: for each patch.
    """

    over_rows: Tensor
    over_columns: Tensor
    over_time: Tensor

    def __init__(self, backbone: Backbone, shape: FeatureShape, grid: Grid, outputs: int) -> None:
        super().__init__()
        training = backbone.training
        with torch.no_grad():
            found, embeddings = map_and_embeddings(backbone.eval(), torch.zeros(1, *shape))
        backbone.train(training)
        channels, bands, frames = (0, 1, 1) if found is None else found.shape[1:]
        self.register_buffer("over_rows", gathering(bands, grid.rows), persistent=False)
        self.register_buffer("over_columns", gathering(frames, grid.columns), persistent=False)
        self.register_buffer("over_time", gathering(embeddings.shape[2], grid.columns), persistent=False)
        self.rows = grid.rows
        size = channels + embeddings.shape[1]
        self.first = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, HIDDEN))
        self.places = nn.Parameter(torch.randn(grid.patches, HIDDEN))
        self.rest = nn.Sequential(nn.GELU(), nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, outputs))

    def forward(self, last_map: Tensor | None, embeddings: Tensor) -> Tensor:
        """Return what is decoded of each patch, from what `map_and_embeddings` returns."""
        timed = (embeddings @ self.over_time)[:, :, None].expand(-1, -1, self.rows, -1)
        parts = [timed]  # each (batch, channels, rows, columns)
        if last_map is not None:
            parts.append(self.over_rows.T @ (last_map @ self.over_columns))
        tokens = torch.cat(parts, dim=1).flatten(2).transpose(1, 2)  # (batch, patches, channels)
        decoded: Tensor = self.rest(self.first(tokens) + self.places)
        return decoded
