"""Overload and poor lines: clipping, and a codec of few bits behind a low-pass."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, happens, log_uniform, uniform
from instrumentarium.training.augment.filters import filtered, low_pass
from instrumentarium.training.augment.params import ClippingParams, CodecParams

RANKED = 16384
"""Samples of a waveform by which its limit is found: to rank all would take longer than everything else."""
STEEP = 8
"""Order of a codec's low-pass."""


@dataclass(frozen=True)
class ClippingDraw:
    """How much of each waveform is cut off."""

    share: Tensor  # (batch,) of its samples; 0 where none


class Clipping(Augmentation):
    """The loudest samples of a waveform cut off at the level of the softest of them."""

    domain: Domain = "waveform"

    def __init__(self, params: ClippingParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> ClippingDraw:
        """Draw for a batch (batch, samples)."""
        chosen = happens(self.params.probability, shape[0], generator)
        share = uniform(0.0, self.params.share, shape[0], generator)
        return ClippingDraw(torch.where(chosen, share, 0.0))

    def apply(self, x: Tensor, draw: ClippingDraw) -> Tensor:
        """Return the clipped waveforms."""

        def clipped(waveforms: Tensor, places: Tensor) -> Tensor:
            ranked = waveforms[:, :: -(-waveforms.shape[1] // RANKED)].abs().sort(dim=1).values
            loud = (draw.share[places] * ranked.shape[1]).long().to(x.device)
            limit = ranked.gather(1, (ranked.shape[1] - 1 - loud)[:, None])  # so many of the ranked are louder
            return waveforms.clamp(-limit, limit)

        return change_rows(x, draw.share > 0, clipped)


@dataclass(frozen=True)
class CodecDraw:
    """What line each waveform goes through."""

    chosen: Tensor  # (batch,) bool
    edge_hz: Tensor  # (batch,) of the low-pass
    bits: Tensor  # (batch,) of a sample


def mu_law(waveforms: Tensor, bits: Tensor) -> Tensor:
    """Return waveforms (rows, samples) within ±1 as they come out of mu-law samples of so many bits, (rows,).

    ITU-T G.711 has 8 bits; the same as torchaudio's `mu_law_encoding` and `mu_law_decoding`, for several numbers of bits.
    """
    mu = (2.0 ** bits.to(waveforms) - 1)[:, None]
    compressed = waveforms.sign() * torch.log1p(mu * waveforms.abs()) / torch.log1p(mu)
    codes = ((compressed + 1) / 2 * mu + 0.5).floor()
    expanded = codes / mu * 2 - 1
    return expanded.sign() * torch.expm1(expanded.abs() * torch.log1p(mu)) / mu


class Codec(Augmentation):
    """A low-pass, then few bits a sample, as in telephony; the waveform keeps its level."""

    domain: Domain = "waveform"

    def __init__(self, params: CodecParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz

    def draw(self, shape: torch.Size, generator: torch.Generator) -> CodecDraw:
        """Draw for a batch (batch, samples)."""
        batch, params = shape[0], self.params
        chosen = happens(params.probability, batch, generator)
        edge_hz = log_uniform(params.lowest_hz, self.sample_rate_hz / 2, batch, generator)
        return CodecDraw(chosen, edge_hz, torch.randint(params.fewest_bits, 9, (batch,), generator=generator))

    def apply(self, x: Tensor, draw: CodecDraw) -> Tensor:
        """Return what comes out at the line's end."""

        def coded(waveforms: Tensor, places: Tensor) -> Tensor:
            edge_hz = draw.edge_hz[places].to(x.device)
            narrow = filtered(waveforms, self.sample_rate_hz, lambda hz: low_pass(hz, edge_hz, STEEP))
            peak = narrow.abs().amax(dim=1, keepdim=True).clamp(min=1e-9)
            return mu_law(narrow / peak, draw.bits[places].to(x.device)) * peak

        return change_rows(x, draw.chosen, coded)
