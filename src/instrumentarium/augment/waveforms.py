"""Augmentation of waveforms: summing two clips, gain, noise. Everything is batched and runs on the batch's device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.params.training import AugmentParams

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
    return waveforms.square().mean(dim=1, keepdim=True).sqrt()


def apply_waveforms(waveforms: Tensor, draw: WaveformDraw) -> Tensor:
    """Return the augmented (batch, samples).

    The partner is brought to the waveform's own level before its gain, so that neither drowns by accident. Next to a
    silent waveform it keeps its level: the mix carries its labels, so it must be heard.
    """
    device = waveforms.device
    level = _level(waveforms)
    partner = draw.partner.to(device)
    partner_gain = draw.partner_gain.to(device)[:, None]
    second_level = level[partner]
    common_level = torch.where(level > SILENT, level, second_level)
    mixed = waveforms + waveforms[partner] * (partner_gain * common_level / second_level.clamp(min=SILENT))
    noisy = draw.noise_gain.nonzero()[:, 0]  # noise costs more than all the rest, so it is made only where it is added
    generator = torch.Generator(device).manual_seed(draw.noise_seed)
    noise = torch.randn((len(noisy), waveforms.shape[1]), generator=generator, device=device)
    rows = noisy.to(device)
    mixed[rows] = mixed[rows] + noise * (draw.noise_gain[noisy].to(device)[:, None] * _level(mixed[rows]))
    return mixed * draw.gain.to(device)[:, None]


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
