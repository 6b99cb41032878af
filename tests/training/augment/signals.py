"""Waveforms that augmentations are tried on."""

import torch
from torch import Tensor

RATE_HZ = 16000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(batch: int = 6, samples: int = 8000, seed: int = 99) -> Tensor:
    """Return white noise at levels from -40 to -14 dB."""
    return torch.logspace(-2, -0.7, batch)[:, None] * torch.randn(batch, samples, generator=seeded(seed))


def tone(hz: float, samples: int = 16000, batch: int = 1) -> Tensor:
    """Return a sine of amplitude 0.5."""
    return 0.5 * torch.sin(2 * torch.pi * hz * torch.arange(samples) / RATE_HZ).expand(batch, -1)


def rms(waveforms: Tensor) -> Tensor:
    return waveforms.square().mean(dim=-1).sqrt()


def decibels(ratio: Tensor) -> Tensor:
    return 20 * ratio.log10()


def frequency_hz(waveform: Tensor) -> float:
    """Return the frequency of the strongest partial, between the bins of a long transform."""
    spectrum = torch.fft.rfft(waveform * torch.hann_window(len(waveform)), n=1 << 19).abs()
    return float(spectrum.argmax()) * RATE_HZ / (1 << 19)
