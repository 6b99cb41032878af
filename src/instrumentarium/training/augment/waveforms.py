"""Augmentation of waveforms: summing two clips, gain, noise. Everything is batched and runs on the batch's device."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain
from instrumentarium.training.augment.params import AugmentParams

SILENT = 1e-4
"""Root mean square, -80 dB of full scale: what lies below is rounding, not sound."""


@dataclass(frozen=True)
class WaveformDraw:
    """What is done to each of a batch's waveforms, so that a draw can be logged, replayed and checked."""

    partner: Tensor  # (batch,) index of the clip that is added
    partner_gain: Tensor  # (batch,) linear, 0 where none is added
    gain: Tensor  # (batch,) linear
    noise_gain: Tensor  # (batch,) linear, relative to the waveform's own level; 0 where none is added
    noise_seed: int


def _uniform(low: float, high: float, size: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(size, generator=generator)


def _linear(decibels: Tensor) -> Tensor:
    return torch.pow(10.0, decibels / 20)


def draw_waveforms(batch: int, params: AugmentParams, generator: torch.Generator) -> WaveformDraw:
    """Draw from a CPU generator, so that the draw is the same whatever the device."""
    mixed = torch.rand(batch, generator=generator) < params.mix_probability
    noisy = torch.rand(batch, generator=generator) < params.noise_probability
    partner = torch.randperm(batch, generator=generator)
    partner_gain = _linear(_uniform(-params.mix_level_db, params.mix_level_db, batch, generator))
    snr_db = _uniform(params.noise_snr_db, 40.0, batch, generator)
    return WaveformDraw(
        partner=partner,
        partner_gain=torch.where(mixed & (partner != torch.arange(batch)), partner_gain, 0.0),
        gain=_linear(_uniform(-params.gain_db, params.gain_db, batch, generator)),
        noise_gain=torch.where(noisy, _linear(-snr_db), 0.0),
        noise_seed=int(torch.randint(2**62, (1,), generator=generator)),
    )


def _level(waveforms: Tensor) -> Tensor:
    """Return the root mean square of each waveform, (batch, 1)."""
    norms: Tensor = torch.linalg.vector_norm(waveforms, dim=1, keepdim=True)
    return norms / math.sqrt(waveforms.shape[1])


def _noise(rows: int, samples: int, draw: WaveformDraw, device: torch.device) -> Tensor:
    """Return white noise of level 1, (rows, samples): one noise, which each row takes from another place on.

    Normal deviates cost more than all the rest of the augmentation, so only one row of them is made.
    """
    generator = torch.Generator(device).manual_seed(draw.noise_seed)
    noise = torch.randn(samples, generator=generator, device=device)
    return torch.stack([noise.roll(row * samples // rows) for row in range(rows)])


def apply_waveforms(waveforms: Tensor, draw: WaveformDraw) -> Tensor:
    """Return the augmented (batch, samples).

    The partner is brought to the waveform's own level before its gain, so that neither drowns by accident. Next to a
    silent waveform it keeps its level: the mix carries its labels, so it must be audible.
    """
    device, samples = waveforms.device, waveforms.shape[1]
    augmented = waveforms.clone()
    mixed, noisy = (gain.nonzero()[:, 0] for gain in (draw.partner_gain, draw.noise_gain))
    if len(mixed):  # few rows are mixed and few get noise: only those are gone through again
        rows, partner_gain = mixed.to(device), draw.partner_gain[mixed].to(device)[:, None]
        partners = waveforms[draw.partner[mixed].to(device)]
        level, partners_level = _level(waveforms[rows]), _level(partners)
        common_level = torch.where(level > SILENT, level, partners_level)
        augmented[rows] += partners * (partner_gain * common_level / partners_level.clamp(min=SILENT))
    if len(noisy):
        rows, noise_gain = noisy.to(device), draw.noise_gain[noisy].to(device)[:, None]
        augmented[rows] += _noise(len(noisy), samples, draw, device) * (noise_gain * _level(augmented[rows]))
    return augmented.mul_(draw.gain.to(device)[:, None])


def unite_labels(targets: Tensor, observed: Tensor, draw: WaveformDraw) -> tuple[Tensor, Tensor]:
    """Return targets and observed, both (batch, instruments), of the mixed clips.

    An instrument is present if it is present in either clip; it is known to be absent only if it is known to be absent
    in both; otherwise nobody knows.
    """
    partner = draw.partner.to(targets.device)
    mixed = (draw.partner_gain > 0).to(targets.device)[:, None]
    present = targets.bool() & observed.bool()
    absent = ~targets.bool() & observed.bool()
    either = present | (present[partner] & mixed)
    neither = absent & (absent[partner] | ~mixed)
    return either.to(targets.dtype), (either | neither).to(observed.dtype)


class WaveformAugmentation(Augmentation):
    """Summing two clips, gain and noise, as one augmentation of waveforms."""

    domain: Domain = "waveform"

    def __init__(self, params: AugmentParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> WaveformDraw:
        """Draw for a batch (batch, samples)."""
        return draw_waveforms(shape[0], self.params, generator)

    def apply(self, x: Tensor, draw: WaveformDraw) -> Tensor:
        """Return the augmented waveforms."""
        return apply_waveforms(x, draw)

    def unite(self, targets: Tensor, observed: Tensor, draw: WaveformDraw) -> tuple[Tensor, Tensor]:
        """Return the labels of the mixed clips."""
        return unite_labels(targets, observed, draw)
