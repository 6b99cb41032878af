"""Descriptors of every frame of a window: one row of numbers about 64 ms of sound.

One short-time Fourier transform serves all that is spectral. Where librosa has a descriptor, this is its value: frames are
centred, with silence before and after the window (for zero crossings the first and last sample repeated), the taper is a
periodic Hann window. Beyond librosa:

- *flux*: how much the spectrum rises from frame to frame, root of the sum of squares, each spectrum's sum taken for 1;
- *entropy*: of the power spectrum taken for a distribution, over its maximum, so in [0, 1];
- *activity*, *mobility*, *complexity*: variance, mean frequency and its spread, of the waveform and its differences.

Sources: Peeters: A large set of audio features for sound description, IRCAM 2004. Hjorth: EEG analysis based on time domain
properties, Electroencephalography and Clinical Neurophysiology 29, 1970. Lerch: An introduction to audio content analysis,
2012. Misra et al.: Spectral entropy based feature for robust ASR, ICASSP 2004.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.signal import get_window

from instrumentarium.descriptors.filters import (
    CLASSES,
    bin_frequencies,
    cepstral_cosines,
    chroma_filters,
    mel_filters,
    octave_bands,
)
from instrumentarium.descriptors.params import DescriptorParams

Float32 = npt.NDArray[np.float32]

SCALARS = (
    *("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness", "flux", "entropy"),
    *("zero_crossings", "rms", "activity", "mobility", "complexity"),
)
ROLLOFF_SHARE = 0.85
QUIETEST = 1e-10
"""Floor of powers before logarithms and ratios: 100 dB below full scale."""
RANGE_DB = 80.0
"""Below the loudest of a window by more than this, everything is equally soft."""
TINY = np.finfo(np.float32).tiny
DELTA_WIDTH = 9
"""Frames over which the slope of a coefficient is taken."""


class FrameDescriptors:
    """Waveforms (windows, samples) with full scale at ±1 → (windows, frames, descriptors)."""

    def __init__(self, params: DescriptorParams, rate_hz: int) -> None:
        self.n_fft, self.hop_length = params.n_fft, params.hop_length
        self.frequencies = bin_frequencies(rate_hz, params.n_fft).astype(np.float32)
        self.taper = get_window("hann", params.n_fft).astype(np.float32)
        self.mel = mel_filters(rate_hz, params.n_fft, params.n_mels)
        self.cosines = cepstral_cosines(params.n_mels, params.n_mfcc)
        self.chroma = chroma_filters(rate_hz, params.n_fft)
        self.bands = octave_bands(rate_hz, params.n_fft)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The descriptors, in the order of the last axis."""
        coefficients = range(self.cosines.shape[1])
        return (
            *SCALARS,
            *(f"contrast_{number}" for number in range(len(self.bands))),
            *(f"chroma_{number}" for number in range(CLASSES)),
            *(f"mfcc_{number}" for number in coefficients),
            *(f"mfcc_delta_{number}" for number in coefficients),
        )

    def __call__(self, waveforms: Float32) -> Float32:
        """Return the descriptors; there are samples // hop_length + 1 frames."""
        half = self.n_fft // 2
        silent = np.pad(waveforms, ((0, 0), (half, half)))
        frames = self._frames(silent)  # (windows, frames, n_fft), a view
        spectrum = rfft(frames * self.taper, axis=-1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)  # (windows, frames, bins)
        magnitude = np.sqrt(power)
        mfcc = self._mfcc(power)
        scalars = [
            *self._shape(magnitude),
            self._flatness(power),
            self._flux(magnitude),
            self._entropy(power),
            self._zero_crossings(np.pad(waveforms, ((0, 0), (half, half)), mode="edge")),
            *self._hjorth(frames),
        ]
        parts = [np.stack(scalars, axis=-1), self._contrast(magnitude), self._chroma(power), mfcc, slope(mfcc)]
        return np.concatenate(parts, axis=-1, dtype=np.float32)

    def _frames(self, padded: Float32) -> Float32:
        view = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)
        return np.asarray(view[:, :: self.hop_length])

    def _shape(self, magnitude: Float32) -> tuple[Float32, Float32, Float32]:
        """Return centroid, bandwidth (its deviation) and roll-off of the magnitude spectrum, in Hz."""
        total = np.maximum(magnitude.sum(axis=-1), TINY)
        centroid = (magnitude @ self.frequencies) / total
        second = (magnitude @ np.square(self.frequencies, dtype=np.float64)) / total
        bandwidth = np.sqrt(np.maximum(second - centroid.astype(np.float64) ** 2, 0)).astype(np.float32)
        risen = np.cumsum(magnitude, axis=-1)
        rolloff = self.frequencies[(risen < ROLLOFF_SHARE * risen[..., -1:]).sum(axis=-1)]
        return centroid, bandwidth, rolloff

    def _flatness(self, power: Float32) -> Float32:
        """Return geometric by arithmetic mean of the power."""
        floored = np.maximum(power, QUIETEST)
        return np.asarray(np.exp(np.log(floored).mean(axis=-1)) / floored.mean(axis=-1))

    def _flux(self, magnitude: Float32) -> Float32:
        shares = magnitude / np.maximum(magnitude.sum(axis=-1, keepdims=True), TINY)
        rises = np.maximum(np.diff(shares, axis=1), 0)
        return np.pad(np.sqrt(np.square(rises).sum(axis=-1)), ((0, 0), (1, 0)))  # the first frame has none before it

    def _entropy(self, power: Float32) -> Float32:
        """Return the entropy: ln Σp − Σ p ln p / Σp, over the logarithm of the number of bins; 0 for silence."""
        total = power.sum(axis=-1)
        logarithms = np.log(np.maximum(power, TINY))
        mean = np.einsum("wfb,wfb->wf", power, logarithms) / np.maximum(total, TINY)
        entropy = (np.log(np.maximum(total, TINY)) - mean) / np.log(power.shape[-1])
        return np.asarray(np.where(total > TINY, np.clip(entropy, 0, 1), 0))

    def _zero_crossings(self, padded: Float32) -> Float32:
        """Return the share of a frame's samples whose sign differs from that of the sample before."""
        changes = np.diff(padded < 0, axis=-1)
        counted = np.pad(np.cumsum(changes, axis=-1, dtype=np.int32), ((0, 0), (1, 0)))
        starts = np.arange(0, padded.shape[-1] - self.n_fft + 1, self.hop_length)
        return ((counted[:, starts + self.n_fft - 1] - counted[:, starts]) / self.n_fft).astype(np.float32)

    def _hjorth(self, frames: Float32) -> tuple[Float32, Float32, Float32, Float32]:
        """Return root mean square, activity, mobility and complexity; the latter two are 0 in silence."""
        steps = np.diff(frames, axis=-1)
        bends = np.diff(steps, axis=-1)
        squares = np.einsum("wfn,wfn->wf", frames, frames) / self.n_fft
        activity = np.maximum(squares - np.square(frames.mean(axis=-1)), 0)
        # differences sum to what lies between first and last: their means need no pass
        step_means = (frames[..., -1] - frames[..., 0]) / steps.shape[-1]
        bend_means = (steps[..., -1] - steps[..., 0]) / bends.shape[-1]
        first = np.einsum("wfn,wfn->wf", steps, steps) / steps.shape[-1] - np.square(step_means)
        second = np.einsum("wfn,wfn->wf", bends, bends) / bends.shape[-1] - np.square(bend_means)
        mobility = _root_of_ratio(first, activity)
        return np.sqrt(squares), activity, mobility, _ratio(_root_of_ratio(second, first), mobility)

    def _contrast(self, magnitude: Float32) -> Float32:
        """Return peak over valley of each octave band in dB, (windows, frames, bands)."""
        peaks, valleys = [], []
        for band in self.bands:
            bins, few = magnitude[..., band.first : band.last], band.extremes
            ordered = np.partition(bins, sorted({few - 1, bins.shape[-1] - few}), axis=-1)
            valleys.append(ordered[..., :few].mean(axis=-1))
            peaks.append(ordered[..., -few:].mean(axis=-1))
        return decibels(np.stack(peaks, axis=-1)) - decibels(np.stack(valleys, axis=-1))

    def _chroma(self, power: Float32) -> Float32:
        """Return the power in each pitch class over that of the strongest, (windows, frames, 12); 0 in silence."""
        raw = power @ self.chroma
        strongest = raw.max(axis=-1, keepdims=True)
        return np.asarray(np.where(strongest > TINY, raw / np.maximum(strongest, TINY), raw))

    def _mfcc(self, power: Float32) -> Float32:
        return np.asarray(decibels(power @ self.mel) @ self.cosines)


def decibels(power: Float32) -> Float32:
    """Return power (windows, …) in dB of full scale, nothing more than RANGE_DB below the loudest of its window."""
    level = 10 * np.log10(np.maximum(power, np.float32(QUIETEST)))
    loudest = level.reshape(len(level), -1).max(axis=1)
    return np.asarray(np.maximum(level, loudest.reshape(-1, *(1,) * (level.ndim - 1)) - np.float32(RANGE_DB)))


def slope(values: Float32) -> Float32:
    """Return the slope over time, per frame, of (windows, frames, values): of a line through DELTA_WIDTH frames.

    Where fewer lie to one side, it is that of the nearest frame with enough; of a window of fewer frames in all, the line
    goes through as many as there are, an odd number.
    """
    frames = values.shape[1]
    half = min(DELTA_WIDTH, frames - 1 + frames % 2) // 2
    if not half:
        return np.zeros_like(values)
    offsets = np.arange(-half, half + 1, dtype=np.float32)
    count = frames - 2 * half
    summed = sum(offset * values[:, half + int(offset) : half + int(offset) + count] for offset in offsets)
    inner = np.asarray(summed / np.square(offsets).sum())
    return np.pad(inner, ((0, 0), (half, half), (0, 0)), mode="edge").astype(np.float32)


def _root_of_ratio(above: Float32, below: Float32) -> Float32:
    return np.sqrt(_ratio(np.maximum(above, 0), below))


def _ratio(above: Float32, below: Float32) -> Float32:
    return np.asarray(np.where(below > TINY, above / np.maximum(below, TINY), 0))
