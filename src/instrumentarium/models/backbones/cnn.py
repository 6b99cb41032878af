"""A plain convolutional network over spectrograms, small enough to train on a laptop's processor."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, Block, blocks_of

STEM_KERNEL = (5, 3)
STEM_POOL = (2, 4)
"""Both in (bands, frames)."""


class Stem(nn.Sequential):
    """One convolution, tall in frequency, of whose answers only the largest of two bands and four frames is kept.

    A second convolution at full resolution would cost as much as a whole block, and what it learns from rendered music
    holds less for real notes (`benchmarks/real_notes.py`).
    """

    def __init__(self, outputs: int, inputs: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, STEM_KERNEL, padding=(STEM_KERNEL[0] // 2, STEM_KERNEL[1] // 2), bias=False),
            nn.MaxPool2d(STEM_POOL, ceil_mode=True),  # last bands and frames without neighbours stay
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class CnnBlock(nn.Sequential):
    """Two convolutions, then the maximum over two bands and two frames."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, ceil_mode=True),
        )


class Cnn(Backbone):
    """Features (batch, inputs, bands, frames) → (batch, channels[-1], steps).

    The first of `channels` is the stem's, each further one a block's. Bands are averaged.
    """

    def __init__(self, channels: Sequence[int], inputs: int = 1) -> None:
        super().__init__()
        self.stem = Stem(channels[0], inputs)
        self.blocks = nn.Sequential(*(CnnBlock(inputs, outputs) for inputs, outputs in itertools.pairwise(channels)))
        self.size = channels[-1]

    @property
    def gradcam_target(self) -> nn.Module:
        """The last pooling, whose input is the last feature map."""
        block = self.blocks[-1]
        assert isinstance(block, CnnBlock)
        return block[-1]

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the stem and the blocks."""
        return blocks_of({"stem": self.stem, **{f"blocks.{n}": block for n, block in enumerate(self.blocks)}})

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        x = features.contiguous(memory_format=torch.channels_last)
        x = self.blocks(self.stem(x))  # (batch, channels, bands/2^(n+1), frames/2^(n+2)) of n blocks
        embeddings: Tensor = x.mean(dim=2)  # (batch, channels, frames/2^(n+2))
        return embeddings
