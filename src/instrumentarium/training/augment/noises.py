"""Coloured noise: its power rises by a number of decibels an octave (0 white, -3 pink, -6 brown, 3 blue, 6 violet)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, draw_seed, happens, uniform
from instrumentarium.training.augment.levels import level, linear
from instrumentarium.training.augment.params import ColouredNoiseParams

LOWEST_HZ = 20.0
"""Below it the spectrum is flat: noise that falls without end would be all rumble."""
DB_PER_OCTAVE = 6.0206
"""Of an amplitude in proportion to frequency."""


@dataclass(frozen=True)
class ColouredNoiseDraw:
    """What noise each waveform gets."""

    gain: Tensor  # (batch,) linear, relative to the waveform's own level; 0 where none is added
    slope_db: Tensor  # (batch,) dB an octave
    seed: int


class ColouredNoise(Augmentation):
    """Noise of a drawn colour at a drawn signal-to-noise ratio."""

    domain: Domain = "waveform"

    def __init__(self, params: ColouredNoiseParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz

    def draw(self, shape: torch.Size, generator: torch.Generator) -> ColouredNoiseDraw:
        """Draw for a batch (batch, samples)."""
        batch, slope_db = shape[0], self.params.slope_db
        chosen = happens(self.params.probability, batch, generator)
        gain = linear(-uniform(self.params.snr_db, 40.0, batch, generator))
        return ColouredNoiseDraw(
            gain=torch.where(chosen, gain, 0.0),
            slope_db=uniform(-slope_db, slope_db, batch, generator),
            seed=draw_seed(generator),
        )

    def apply(self, x: Tensor, draw: ColouredNoiseDraw) -> Tensor:
        """Return the waveforms with their noise; silence stays silent."""

        def noisy(waveforms: Tensor, places: Tensor) -> Tensor:
            noise = coloured_noise(draw.slope_db[places].to(x.device), x.shape[1], self.sample_rate_hz, draw.seed)
            gain = draw.gain[places].to(x.device)[:, None] * level(waveforms)
            return waveforms + noise * gain

        return change_rows(x, draw.gain > 0, noisy)


def coloured_noise(slopes_db: Tensor, samples: int, sample_rate_hz: int, seed: int) -> Tensor:
    """Return noise of level 1, (rows, samples), on the device of the slopes, (rows,) in dB an octave."""
    device = slopes_db.device
    generator = torch.Generator(device).manual_seed(seed)
    white = torch.randn(len(slopes_db), samples, generator=generator, device=device)
    hz = torch.fft.rfftfreq(samples, 1 / sample_rate_hz, device=device)
    octaves = (hz.clamp(min=LOWEST_HZ) / LOWEST_HZ)[None, :] ** (slopes_db[:, None] / DB_PER_OCTAVE)
    noise: Tensor = torch.fft.irfft(torch.fft.rfft(white) * octaves, n=samples)
    return noise / level(noise)
