"""The wavelet scalogram on the device: the power of a continuous wavelet transform with complex Morlet wavelets, in dB.

The wavelet is PyWavelets' cmorB-C, exp(2πiCt) · exp(-t²/B) / √(πB), whose Fourier transform is a Gaussian. At each scale it
is divided by the scale, not by its root as PyWavelets does, so that a tone is as strong in any band.

Source: Mallat: A wavelet tour of signal processing, third edition, 2009, chapter 4.
"""

import math

import torch

from instrumentarium.frontends.bandpower import BandPower
from instrumentarium.frontends.params import ScalogramParams

SMALLEST = 1e-4
"""Of a wavelet, in frequency and in time, against its peak: -80 dB; what lies below is left out."""


class Scalogram(BandPower):
    """Waveforms (batch, samples) → (batch, 1, bands, frames) in dB; the bands lie evenly in the logarithm of frequency."""

    def __init__(self, params: ScalogramParams, input_rate_hz: int) -> None:
        bandwidth, centre = params.wavelet_bandwidth, params.wavelet_centre
        sharpness = bandwidth * (math.pi * centre) ** 2
        falls_by = math.sqrt(-math.log(SMALLEST))
        ends = math.log(params.f_min_hz), math.log(params.f_max_hz)
        super().__init__(
            params,
            input_rate_hz,
            torch.linspace(*ends, params.n_bands, dtype=torch.float64).exp(),
            response=lambda relative: (-sharpness * relative.square()).exp(),
            reach=falls_by / math.sqrt(sharpness),
            memory_s=centre * math.sqrt(bandwidth) * falls_by / params.f_min_hz,
            band_gains=torch.ones(params.n_bands),
        )
