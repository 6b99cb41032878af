"""The last step of every clip: dynamics, pauses, noise, peaks and level, drawn alike for every class and corpus.

A plucked string has a higher crest factor than an organ and more silence after it. A classifier must not live on that,
so each clip's short-time level is first evened out, then given pauses and swells drawn without regard to what plays,
then brought to a drawn crest factor (a limiter lowers it, an accent raises it) and a drawn loudness.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import lfilter

from instrumentarium.miniature.synthesis.curves import draw_out
from instrumentarium.miniature.synthesis.randomness import between, happens
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ, Waveform

FRAME = 441  # 10 ms
LIMITER_BLOCK = 64


def master(random: np.random.Generator, clip: NDArray[np.float64]) -> NDArray[np.int16]:
    """A finished clip.

    Args:
        random: of the clip; the draws depend on nothing else.
        clip: (channels, samples), any level, not silent.

    Returns:
        (samples, channels) int16 whose highest peak lies below full scale.

    Raises:
        ValueError: if the clip is silent or holds a number that is not finite.
    """
    if not (np.isfinite(clip).all() and clip.any()):
        raise ValueError(f"a clip of shape {clip.shape} holds no sound, or numbers that are not finite")
    even = clip * _evening_gain(clip, between(random, 2.0, 4.5))
    even /= np.sqrt(np.mean(even**2)) + 1e-12
    even *= _swells(random, even.shape[1])
    even += _noise(random, (even.shape[0], even.shape[1]))
    crest_db = between(random, 11.0, 16.0)
    shaped = _with_crest(even, crest_db, random)
    loudness_db = between(random, -34.0, -1.0 - crest_db)
    level = 10.0 ** (loudness_db / 20.0) / (np.sqrt(np.mean(shaped**2)) + 1e-12)
    return np.asarray(np.clip(np.round(shaped.T * level * 32767.0), -32767, 32767).astype(np.int16))


def _spread(curve: Waveform, samples: int) -> Waveform:
    """A curve of one value a frame, drawn out to one value a sample."""
    return draw_out(curve, FRAME, samples, first=FRAME / 2)


def _evening_gain(clip: NDArray[np.float64], keep_db: float) -> Waveform:
    """The gain that leaves the short-time level a standard deviation of about `keep_db`."""
    samples = clip.shape[1]
    frames = -(-samples // FRAME)
    padded = np.zeros(frames * FRAME)
    padded[:samples] = np.mean(clip**2, axis=0)
    power = uniform_filter1d(padded.reshape(frames, FRAME).mean(axis=1), 5, mode="nearest")
    level_db = 10.0 * np.log10(power + 1e-5 * power.max() + 1e-20)
    centre = float(np.median(level_db))
    deviation = float(np.std(level_db))
    share = 1.0 - min(1.0, keep_db / max(deviation, 1e-6))
    return _spread(10.0 ** (np.clip(-share * (level_db - centre), -24.0, 30.0) / 20.0), samples)


def _swells(random: np.random.Generator, samples: int) -> Waveform:
    """Slow changes of level, and in some clips a pause, anywhere from the first sample to the last."""
    seconds = samples / SAMPLE_RATE_HZ
    knots = random.standard_normal(int(seconds * between(random, 0.5, 3.0)) + 2) * between(random, 0.5, 4.0)
    frames = -(-samples // FRAME)
    curve = np.interp(np.linspace(0.0, len(knots) - 1.0, frames), np.arange(len(knots)), knots)
    gain = 10.0 ** (curve / 20.0)
    for _ in range(int(random.integers(0, 2 + int(seconds / 4.0)))):
        place, width, depth_db = between(random, 0.0, 1.0), between(random, 0.05, 0.5), between(random, 6.0, 60.0)
        centre = int(place * frames)
        half = max(1, int(width * SAMPLE_RATE_HZ / FRAME / 2))
        gain[max(0, centre - half) : centre + half] *= 10.0 ** (-depth_db / 20.0)
    for where in (slice(None, None), slice(None, None, -1)):  # silence before the first sound, after the last
        if happens(random, 0.2):
            gain[where][: int(min(0.5 * frames, between(random, 0.05, 1.3) * SAMPLE_RATE_HZ / FRAME))] = 0.0
    return _spread(uniform_filter1d(gain, 3, mode="nearest"), samples)


def _noise(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """A noise floor 24 to 75 dB below the music, between white and brown."""
    pole = between(random, 0.0, 0.97)
    channels, samples = shape
    one = lfilter([np.sqrt(1.0 - pole * pole)], [1.0, -pole], random.standard_normal(samples))
    noise = np.stack([np.roll(one, channel * (samples // 3)) for channel in range(channels)])
    return np.asarray(noise * 10.0 ** (-between(random, 24.0, 75.0) / 20.0))


def _with_crest(clip: NDArray[np.float64], crest_db: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Bring the ratio of peak to RMS to `crest_db`: limit what sticks out, or lift the loudest moment."""
    wanted = 10.0 ** (crest_db / 20.0)
    width = int(between(random, 0.01, 0.06) * SAMPLE_RATE_HZ)
    for _ in range(4):
        peaks = np.max(np.abs(clip), axis=0)
        crest = float(peaks.max()) / (float(np.sqrt(np.mean(clip**2))) + 1e-12)
        if abs(crest / wanted - 1.0) < 0.005:
            break
        if crest > wanted:
            clip = clip * _limiter_gain(peaks, float(peaks.max()) * wanted / crest)
        else:
            centre = int(np.argmax(peaks))
            begin, end = max(0, centre - width), min(len(peaks), centre + width)
            bump = np.cos(np.linspace(-np.pi / 2, np.pi / 2, 2 * width))[begin - centre + width : end - centre + width]
            clip = clip.copy()
            clip[:, begin:end] *= 1.0 + (wanted / crest - 1.0) * bump**2
    return clip


def _limiter_gain(peaks: Waveform, threshold: float) -> Waveform:
    """A gain that keeps `peaks` at or below `threshold`, looking ahead and letting go within a few milliseconds."""
    blocks = -(-len(peaks) // LIMITER_BLOCK)
    padded = np.zeros(blocks * LIMITER_BLOCK)
    padded[: len(peaks)] = peaks
    needed = np.minimum(1.0, threshold / np.maximum(padded.reshape(blocks, LIMITER_BLOCK).max(axis=1), 1e-12))
    smooth = uniform_filter1d(minimum_filter1d(needed, 7, mode="nearest"), 5, mode="nearest")
    return draw_out(smooth, LIMITER_BLOCK, len(peaks), first=LIMITER_BLOCK / 2)
