"""A plain convolutional network over spectrograms, small enough to train on a laptop's processor."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions, then the maximum over two bands and two frames.

    With `step` 2 the first convolution's answers are thinned out at once, to the larger of two neighbouring frames.
    """

    def __init__(self, inputs: int, outputs: int, step: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.MaxPool2d((1, step), ceil_mode=True),  # a last frame without a neighbour stays
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, ceil_mode=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, outputs, bands/2, frames/(2 · step))."""
        reduced: Tensor = self.layers(x)
        return reduced


class Cnn(nn.Module):
    """Features (batch, 1, bands, frames) → embeddings (batch, 2 · channels[-1]).

    The first block thins out the frames after its first convolution: that halves the work of the widest maps.
    Bands are averaged, then frames are pooled by their mean and by their maximum: an instrument that plays for a part of
    the window shows in the second.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        steps = (2, *[1] * (len(channels) - 1))
        sizes = zip((1, *channels[:-1]), channels, steps, strict=True)
        blocks = [Block(inputs, outputs, step) for inputs, outputs, step in sizes]
        self.blocks = nn.Sequential(*blocks)
        self.embedding_size = 2 * channels[-1]

    @property
    def map_reader(self) -> nn.Module:
        """Return the layer whose input is the last feature map, (batch, channels, bands, frames): the last pooling."""
        block = self.blocks[-1]
        assert isinstance(block, Block)
        return block.layers[-1]

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings."""
        x = self.blocks(features)  # (batch, channels, bands/2^n, frames/2^(n+1))
        x = x.mean(dim=2)  # (batch, channels, frames/2^(n+1))
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
