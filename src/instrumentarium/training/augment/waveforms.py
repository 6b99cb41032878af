"""Augmentation of waveforms: summing two clips, gain, noise. Everything is batched and runs on the batch's device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, uniform
from instrumentarium.training.augment.labels import union
from instrumentarium.training.augment.levels import SILENT, level, linear
from instrumentarium.training.augment.params import AugmentParams, GainParams, MixParams, NoiseParams

NO_MIX = MixParams(probability=0.0, level_db=0.0)
NO_NOISE = NoiseParams(probability=0.0, snr_db=0.0)
NO_GAIN = GainParams(db=0.0)


@dataclass(frozen=True)
class WaveformDraw:
    """What is done to each of a batch's waveforms, so that a draw can be logged, replayed and checked."""

    partner: Tensor  # (batch,) index of the clip that is added
    partner_gain: Tensor  # (batch,) linear, 0 where none is added
    gain: Tensor  # (batch,) linear
    noise_gain: Tensor  # (batch,) linear, relative to the waveform's own level; 0 where none is added
    noise_seed: int


def draw_waveforms(batch: int, params: AugmentParams, generator: torch.Generator) -> WaveformDraw:
    """Draw from a CPU generator, so that the draw is the same whatever the device.

    All is drawn, also what is off, so that switching one of the three on or off leaves the draws of the others as they are.
    """
    mix, noise, gain = params.mix or NO_MIX, params.noise or NO_NOISE, params.gain or NO_GAIN
    mixed = torch.rand(batch, generator=generator) < mix.probability
    noisy = torch.rand(batch, generator=generator) < noise.probability
    partner = torch.randperm(batch, generator=generator)
    partner_gain = linear(uniform(-mix.level_db, mix.level_db, batch, generator))
    snr_db = uniform(noise.snr_db, 40.0, batch, generator)
    return WaveformDraw(
        partner=partner,
        partner_gain=torch.where(mixed & (partner != torch.arange(batch)), partner_gain, 0.0),
        gain=linear(uniform(-gain.db, gain.db, batch, generator)),
        noise_gain=torch.where(noisy, linear(-snr_db), 0.0),
        noise_seed=int(torch.randint(2**62, (1,), generator=generator)),
    )


def _noise(rows: int, samples: int, draw: WaveformDraw, device: torch.device) -> Tensor:
    """Return white noise of level 1, (rows, samples): one noise, which each row takes from another place on.

    Normal deviates cost more than all the rest of the augmentation, so only one row of them is made.
    """
    generator = torch.Generator(device).manual_seed(draw.noise_seed)
    twice = torch.randn(samples, generator=generator, device=device).repeat(2)
    starts = [samples - row * samples // rows for row in range(rows)]
    return torch.stack([twice[start : start + samples] for start in starts])


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
        own_level, partners_level = level(waveforms[rows]), level(partners)
        common_level = torch.where(own_level > SILENT, own_level, partners_level)
        _add_rows(augmented, mixed, partners * (partner_gain * common_level / partners_level.clamp(min=SILENT)))
    if len(noisy):
        rows, noise_gain = noisy.to(device), draw.noise_gain[noisy].to(device)[:, None]
        noise = _noise(len(noisy), samples, draw, device)
        _add_rows(augmented, noisy, noise.mul_(noise_gain * level(augmented[rows])))
    return augmented.mul_(draw.gain.to(device)[:, None])


def _add_rows(waveforms: Tensor, places: Tensor, added: Tensor) -> None:
    """Add (rows, samples) to the waveforms at their places, which are on the processor.

    An index of several rows would do, but torch's deterministic way of it takes several times as long there.
    """
    if waveforms.is_cuda:
        waveforms[places.to(waveforms.device)] += added
        return
    for place, row in zip(places.tolist(), added, strict=True):
        waveforms[place] += row


def unite_labels(targets: Tensor, observed: Tensor, draw: WaveformDraw) -> tuple[Tensor, Tensor]:
    """Return targets and observed, both (batch, instruments), of the mixed clips."""
    partner = draw.partner.to(targets.device)
    mixed = (draw.partner_gain > 0).to(targets.device)[:, None]
    other = torch.where(mixed, targets[partner], 0), torch.where(mixed, observed[partner], 1)
    return union(torch.stack([targets, other[0]], dim=1), torch.stack([observed, other[1]], dim=1))


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
