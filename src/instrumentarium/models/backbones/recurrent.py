"""Recurrent networks over spectra: an LSTM over the frames, and a GRU over the map of a small convolutional stem.

The LSTM is Hochreiter, Schmidhuber: Long short-term memory, Neural Computation 1997. It returns its state at every frame;
how frames are weighed is the head's part. Bahdanau attention (Bahdanau, Cho, Bengio: Neural machine translation by jointly
learning to align and translate, ICLR 2015) is a softmax over the steps of a learnt score of each state, and the mean of
the states by it: with the `attention` head each instrument has such a softmax of its own. So the LSTM with Bahdanau
attention is `-S model=lstm -S head=attention`, and without it `-S head=linear_mean`.

The second is Choi, Fazekas, Sandler, Cho: Convolutional recurrent neural networks for music classification, ICASSP 2017.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, Block, FeatureShape, blocks_of

POOLED_IN_TIME = 2
"""Blocks of the stem that also halve the frames; the further ones halve bands alone, so that steps stay short."""


class Lstm(Backbone):
    """Features (batch, channels, bands, frames) → (batch, size, frames), where a bidirectional size is twice `hidden`."""

    def __init__(self, shape: FeatureShape, hidden: int, layers: int, *, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        channels, bands, _ = shape
        self.recurrent = nn.LSTM(
            channels * bands,
            hidden,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.size = hidden * (2 if bidirectional else 1)

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the layers."""
        return layers_of(self.recurrent)

    def forward(self, features: Tensor) -> Tensor:
        """Return the states at each step."""
        return states(self.recurrent, features.flatten(1, 2))


class StemBlock(nn.Sequential):
    """A convolution, normalisation, and the maximum over two bands and `frames` frames."""

    def __init__(self, inputs: int, outputs: int, frames: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, frames), ceil_mode=True),
        )


class Crnn(Backbone):
    """Features (batch, channels, bands, frames) → (batch, 2 · hidden, frames / 4) by a stem and a bidirectional GRU.

    The stem has one block for each of `channels`; the GRU takes all channels and bands of its map at once.
    """

    def __init__(self, shape: FeatureShape, channels: Sequence[int], hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        pairs = itertools.pairwise([shape[0], *channels])
        self.stem = nn.Sequential(
            *(StemBlock(*pair, frames=2 if place < POOLED_IN_TIME else 1) for place, pair in enumerate(pairs))
        )
        bands = -(-shape[1] // 2 ** len(channels))
        self.recurrent = nn.GRU(
            channels[-1] * bands,
            hidden,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.size = 2 * hidden

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the blocks of the stem and the layers of the GRU."""
        stem = blocks_of({f"stem.{number}": block for number, block in enumerate(self.stem)})
        return stem + layers_of(self.recurrent)

    @property
    def gradcam_target(self) -> nn.Module:
        """The last pooling, whose input is the last feature map."""
        block = self.stem[-1]
        assert isinstance(block, StemBlock)
        return block[-1]

    def forward(self, features: Tensor) -> Tensor:
        """Return the states at each step."""
        x = self.stem(features.contiguous(memory_format=torch.channels_last))  # (batch, channels, bands/2^n, frames/4)
        return states(self.recurrent, x.flatten(1, 2))


def layers_of(recurrent: nn.LSTM | nn.GRU) -> tuple[Block, ...]:
    """Return the layers of a recurrent network as blocks; torch keeps the weights of all in one module."""

    def weights(layer: int) -> tuple[nn.Parameter, ...]:
        own = (f"_l{layer}", f"_l{layer}_reverse")
        return tuple(each for name, each in recurrent.named_parameters() if name.endswith(own))

    return tuple(Block(f"recurrent.{layer}", weights(layer)) for layer in range(recurrent.num_layers))


def states(recurrent: nn.LSTM | nn.GRU, sequence: Tensor) -> Tensor:
    """Return the states (batch, size, steps) of a recurrent layer over (batch, inputs, steps).

    cuDNN's own layers have no gradient in evaluation mode, which explanations take.
    """
    with torch.backends.cudnn.flags(enabled=recurrent.training or not torch.is_grad_enabled()):
        found: Tensor = recurrent(sequence.transpose(1, 2).contiguous())[0]
    return found.transpose(1, 2)
