"""From a file to mono 16-bit samples at a rate of one's own, block by block, in flat memory.

Mixed down to one channel by the mean (or by a channel, where that cancels), scaled where a float file exceeds full scale,
resampled once by soxr (HQ), and rounded. What is joined of several rates is resampled part by part.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from instrumentarium.decoding.decoder import decode_blocks
from instrumentarium.decoding.loudness import Loudness
from instrumentarium.decoding.pcm import (
    LARGEST,
    SHORTEST_S,
    AudioError,
    Block,
    Mono,
    Pcm,
    is_audible,
    peak_of,
    to_int16,
    to_mono,
)

HELD_FRAMES = 1 << 24
"""Frames of a float file held (64 MB, 6 minutes at 44.1 kHz) until its peak is known; a longer one is read twice."""
SHORT_FRAMES = 1 << 20
"""A float file with fewer frames is resampled in one piece, which is faster."""
LOWEST_HZ, HIGHEST_HZ = 1000, 12_288_000
"""Sample rates of sound: below, it has no band for the fundamental of most notes; above, only damaged headers are."""


class SampleStream:
    """Mono 16-bit samples at a rate of one's own, block by block; it can be gone through again.

    Attributes:
        duration_s: of what has been read so far, as the source counts it.
        silent: nothing read so far exceeds -72 dB of full scale.
    """

    def __init__(self, blocks: Callable[[], Iterator[Block]], sample_rate_hz: int) -> None:
        self._blocks, self.sample_rate_hz = blocks, sample_rate_hz
        self.duration_s, self.silent = 0.0, True

    @classmethod
    def of_file(cls, path: Path, sample_rate_hz: int) -> "SampleStream":
        """Return the samples of an audio file; what is wrong with it shows when they are read."""
        return cls(functools.partial(decode_blocks, path), sample_rate_hz)

    @classmethod
    def of_array(cls, samples: npt.ArrayLike, rate_hz: int, sample_rate_hz: int) -> "SampleStream":
        """Return the samples of a waveform in memory, (frames,) or (frames, channels): int16, or floats of full scale ±1.

        Raises:
            AudioError: if it has another shape.
        """
        array = np.asarray(samples)
        pcm: Pcm = array if array.dtype == np.int16 else array.astype(np.float32)
        if pcm.ndim not in {1, 2} or (pcm.ndim == 2 and not pcm.shape[1]) or rate_hz < 1:
            raise AudioError(
                f"a waveform has shape (frames,) or (frames, channels) and a rate in Hz; found {pcm.shape} at {rate_hz}"
            )
        block = Block(pcm.reshape(len(pcm), -1), rate_hz, bounded=False)
        return cls(lambda: iter([block]), sample_rate_hz)

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the samples in order, (n,) each.

        Raises:
            AudioError: if the source is unreadable, truncated, shorter than 0.1 s, or holds NaN or infinity.
            OSError: if it cannot be opened.
        """
        self.duration_s, self.silent = 0.0, True
        total, frames, before_s, rate, resampler = 0, 0, 0.0, 0, None
        for mono, rate, ends in _with_ends(self._mono()):
            frames, total = frames + len(mono), total + len(mono)
            self.duration_s = before_s + frames / rate
            self.silent = self.silent and not is_audible(mono)
            if rate == self.sample_rate_hz:
                yield to_int16(mono)
            elif ends and resampler is None:  # the same samples, in half the time
                yield to_int16(soxr.resample(mono, rate, self.sample_rate_hz, quality="HQ"))
            else:
                if resampler is None:
                    resampler = soxr.ResampleStream(rate, self.sample_rate_hz, 1, dtype="float32", quality="HQ")
                yield to_int16(resampler.resample_chunk(mono, last=ends))
            if ends:
                frames, before_s, resampler = 0, self.duration_s, None
        if not total:
            raise AudioError("the file holds no audio frame")
        if self.duration_s < SHORTEST_S:
            raise AudioError(f"too short: {total} frames at {rate} Hz are under {SHORTEST_S} s")

    def _checked(self) -> Iterator[tuple[Block, float]]:
        """Yield the source's blocks, each with the peak of its samples."""
        for block in self._blocks():
            if not len(block.samples):
                continue
            if not LOWEST_HZ <= block.sample_rate_hz <= HIGHEST_HZ:
                raise AudioError(
                    f"a sample rate of {block.sample_rate_hz} Hz: sound has one of {LOWEST_HZ} to {HIGHEST_HZ} Hz"
                )
            peak = peak_of(block.samples)
            if not np.isfinite(peak):
                raise AudioError("it holds NaN or infinite samples")
            yield block, peak

    def _mono(self) -> Iterator[tuple[Mono, int]]:
        """Yield mono samples at the source's rate; where floats exceed full scale, all are divided by their peak."""
        held: list[tuple[Mono, int]] = []
        loudness, passed, frames = Loudness(), 0, 0
        blocks = self._checked()
        for block, peak in blocks:
            if not held and (block.bounded or block.samples.dtype == np.int16):
                passed += 1
                yield to_mono(block.samples, peak), block.sample_rate_hz
                continue
            loudness.add(block.samples, peak)
            held.append((_limited(block.samples, peak, LARGEST), block.sample_rate_hz))
            frames += len(block.samples)
            if frames > HELD_FRAMES:
                held.clear()
                for rest, highest in blocks:
                    loudness.add(rest.samples, highest)
        if held and loudness.limit == loudness.peak:
            yield from ((_scaled(mono, loudness.peak), rate) for mono, rate in _joined(held))
        elif frames:
            held.clear()
            for number, (block, peak) in enumerate(self._checked()):
                if number >= passed:
                    mono = _limited(block.samples, peak, loudness.limit)
                    yield _scaled(mono, loudness.limit), block.sample_rate_hz


def _with_ends(parts: Iterator[tuple[Mono, int]]) -> Iterator[tuple[Mono, int, bool]]:
    """Yield samples and their rate, each with whether they are the last ones of this rate in a row."""
    before: tuple[Mono, int] | None = None
    for part in parts:
        if before is not None:
            yield *before, before[1] != part[1]
        before = part
    if before is not None:
        yield *before, True


def _joined(held: list[tuple[Mono, int]]) -> list[tuple[Mono, int]]:
    """Return a short recording of one rate in one piece."""
    rates = {rate for _, rate in held}
    if len(rates) > 1 or sum(len(mono) for mono, _ in held) > SHORT_FRAMES:
        return held
    return [(np.concatenate([mono for mono, _ in held]), rates.pop())]


def _limited(samples: Pcm, peak: float, limit: float) -> Mono:
    if peak <= limit:
        return to_mono(samples, peak)
    limited: Mono = np.clip(samples, -limit, limit)
    return to_mono(limited, limit)


def _scaled(mono: Mono, peak: float) -> Mono:
    return mono / np.float32(peak) if peak > 1 else mono
