"""A one-dimensional convolutional network over the raw waveform.

After the network M5 of Dai, Dai, Qu, Li, Das: Very deep convolutional neural networks for raw waveforms, ICASSP 2017: a
first layer as long as a band-pass filter, then short ones, each followed by a pooling of four.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, Block, blocks_of

STEM_KERNEL, STEM_STRIDE, POOL = 80, 4, 4


class WaveformBlock(nn.Sequential):
    """A convolution, normalisation and the maximum of four steps."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv1d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool1d(POOL, ceil_mode=True),  # the last steps, which may be fewer than four, stay
        )


class WaveformCnn(Backbone):
    """Features (batch, samples) → (batch, channels[-1], steps); a step is 4^(n + 2) samples of n further blocks."""

    takes_spectra = False

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.stem = WaveformBlock(1, channels[0], STEM_KERNEL, STEM_STRIDE)
        self.blocks = nn.Sequential(*(WaveformBlock(*pair) for pair in itertools.pairwise(channels)))
        self.size = channels[-1]

    @property
    def gradcam_target(self) -> nn.Module:
        """The last pooling, whose input is the last feature map, (batch, channels, steps)."""
        block = self.blocks[-1]
        assert isinstance(block, WaveformBlock)
        return block[-1]

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the stem and the blocks."""
        return blocks_of({"stem": self.stem, **{f"blocks.{n}": block for n, block in enumerate(self.blocks)}})

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        embeddings: Tensor = self.blocks(self.stem(features[:, None]))
        return embeddings
