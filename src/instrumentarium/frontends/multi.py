"""Several features of one spectrogram side by side, each in a channel of its own, all of one shape (bands, frames).

- `logmel`: the log-mel spectrogram.
- `harmonic`, `percussive`: what of it lasts in time, and what spreads over bands, separated by median filtering with soft
  masks (Fitzgerald: Harmonic/percussive separation using median filtering, DAFx 2010), as librosa.decompose.hpss does.
- `delta`: how fast the log-mel spectrogram rises, in dB a frame: the slope of a line through nine frames, as
  librosa.feature.delta.
- `chroma`: how strong each band's pitch class is, in dB against the strongest (librosa.filters.chroma); a band has that of
  its centre.
"""

import torch
from torch import Tensor
from torch.nn import functional

from instrumentarium.frontends.base import SpectrumAxes, as_float32
from instrumentarium.frontends.chroma import chroma_filters, pitch_classes
from instrumentarium.frontends.level import decibels, reference_of
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.median import running_median
from instrumentarium.frontends.params import MultiParams

SLOPE_FRAMES = 4
"""To either side of a frame whose slope is taken."""


class Multi(LogMel):
    """Waveforms (batch, samples) at `input_rate_hz`, full scale ±1 → features (batch, channels, bands, frames).

    The power is that of mel bands or, where there is a channel of chroma, of the bins of the transform, whose pitch classes
    mel bands would blur.
    """

    pitch_filters: Tensor
    pitch_class: Tensor

    def __init__(self, params: MultiParams, input_rate_hz: int) -> None:
        super().__init__(params, input_rate_hz)
        self.names, self.channels = params.channels, len(params.channels)
        self.hpss_frames, self.hpss_bands = params.hpss_frames, params.hpss_bands
        self.has_chroma = "chroma" in params.channels
        assert self.axes is not None
        if self.has_chroma:
            bins_hz = torch.arange(params.n_fft // 2 + 1) * (params.sample_rate_hz / params.n_fft)
            self.power_axes = SpectrumAxes(bins_hz, self.axes.frame_s)
            filters = chroma_filters(params.sample_rate_hz, params.n_fft)
            self.register_buffer("pitch_filters", filters, persistent=False)  # (12, bins)
            self.register_buffer("pitch_class", pitch_classes(self.axes.band_centres_hz), persistent=False)  # (bands,)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each mel band or, for chroma, in each bin, (batch, bands or bins, frames)."""
        if not self.has_chroma:
            return super().power(waveforms)
        with as_float32(waveforms):
            power: Tensor = self.spectrum(self.resample(waveforms.float()))
            return power

    def compress(self, power: Tensor) -> Tensor:
        """Return power (batch, bands or bins, frames) as features (batch, channels, bands, frames)."""
        with as_float32(power):
            power = power.float()
            mel: Tensor = self.filters @ power if self.has_chroma else power
            reference = reference_of(mel, self.params.level)
            made: dict[str, Tensor] = {"logmel": decibels(mel, reference)}
            if "delta" in self.names:
                made["delta"] = slope(made["logmel"])
            if self.has_chroma:
                made["chroma"] = self.chroma(power)
            if {"harmonic", "percussive"} & set(self.names):
                harmonic, percussive = separated(mel, self.hpss_frames, self.hpss_bands)
                made |= {"harmonic": decibels(harmonic, reference), "percussive": decibels(percussive, reference)}
            return torch.stack([made[name] for name in self.names], dim=1)

    def chroma(self, power: Tensor) -> Tensor:
        """Return each band's pitch class's strength against the frame's strongest, (batch, bands, frames) in dB."""
        classes = self.pitch_filters @ power  # (batch, 12, frames)
        strongest = classes.amax(dim=1, keepdim=True).clamp(min=torch.finfo(classes.dtype).tiny)
        return decibels((classes / strongest)[:, self.pitch_class], classes.new_ones(()))


def slope(features: Tensor) -> Tensor:
    """Return the slope of a line through nine frames, (batch, bands, frames); the first and last frame go on outside."""
    distance = torch.arange(-SLOPE_FRAMES, SLOPE_FRAMES + 1, device=features.device, dtype=features.dtype)
    padded = functional.pad(features, (SLOPE_FRAMES, SLOPE_FRAMES), mode="replicate")
    kernel = (distance / distance.square().sum())[None, None, None]
    return functional.conv2d(padded[:, None], kernel)[:, 0]


def separated(power: Tensor, frames: int, bands: int) -> tuple[Tensor, Tensor]:
    """Return the power (batch, bands, frames) of what is harmonic, and of what is percussive.

    Amplitudes are shared by soft masks; of two medians that are both 0, each has a half.

    Args:
        power: to be separated.
        frames: odd, over which the median is harmonic.
        bands: odd, over which it is percussive.
    """
    lasting = running_median(power, frames)
    spread = running_median(power.transpose(1, 2), bands).transpose(1, 2)
    both = lasting + spread
    silent = both < torch.finfo(power.dtype).tiny
    share = torch.where(silent, 0.5, lasting / both.masked_fill(silent, 1.0))
    return power * share.square(), power * (1 - share).square()
