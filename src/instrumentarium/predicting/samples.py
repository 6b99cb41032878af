"""From blocks of a file to mono samples at the model's rate, and on to windows: what ingest does, in flat memory.

Mixed down, scaled where a float file exceeds full scale, resampled and rounded as `ingestion.audio.decode_clip` does
it, sample for sample.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from instrumentarium.clips.windows import cut_window
from instrumentarium.ingestion.audio import (
    SHORTEST_S,
    SILENCE_PEAK,
    STEPS,
    AudioError,
    Pcm,
    mix_down,
    peak_of,
    to_int16,
)
from instrumentarium.predicting.decoding import Block, decode_blocks

HELD_FRAMES = 1 << 24
"""Frames of a float file held (64 MB, 6 minutes at 44.1 kHz) until its peak is known; a longer one is read twice."""

Mono = npt.NDArray[np.float32]


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
        frames, resampler, rate = 0, None, 0
        for mono, rate in self._mono():
            frames += len(mono)
            self.duration_s = frames / rate
            if rate == self.sample_rate_hz:
                yield self._rounded(mono)
                continue
            if resampler is None:
                resampler = soxr.ResampleStream(rate, self.sample_rate_hz, 1, dtype="float32", quality="HQ")
            yield self._rounded(resampler.resample_chunk(mono))
        if not frames:
            raise AudioError("the file holds no audio frame")
        if self.duration_s < SHORTEST_S:
            raise AudioError(f"too short: {frames} frames at {rate} Hz are under {SHORTEST_S} s")
        if resampler is not None:
            yield self._rounded(resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def _rounded(self, mono: Mono) -> npt.NDArray[np.int16]:
        self.silent = self.silent and not is_audible(mono)
        return to_int16(mono)

    def _checked(self) -> Iterator[tuple[Block, float]]:
        """Yield the source's blocks, each with the peak of its samples."""
        for block in self._blocks():
            if not len(block.samples):
                continue
            peak = peak_of(block.samples)
            if not np.isfinite(peak):
                raise AudioError("it holds NaN or infinite samples")
            yield block, peak

    def _mono(self) -> Iterator[tuple[Mono, int]]:
        """Yield mono samples at the source's rate; all are divided by the source's peak where that exceeds full scale."""
        held: list[Mono] = []
        highest, frames, rate = 1.0, 0, 0
        blocks = self._checked()
        for block, peak in blocks:
            rate = block.sample_rate_hz
            if block.bounded or block.samples.dtype == np.int16:
                yield mix_down(block.samples), rate
                continue
            held.append(mix_down(block.samples))
            highest, frames = max(highest, peak), frames + len(block.samples)
            if frames > HELD_FRAMES:
                held.clear()
                highest = max([highest, *(peak for _, peak in blocks)])
                for again, _ in self._checked():
                    yield _scaled(mix_down(again.samples), highest), rate
                return
        for mono in held:
            yield _scaled(mono, highest), rate


def _scaled(mono: Mono, peak: float) -> Mono:
    return mono / np.float32(peak) if peak > 1 else mono


def is_audible(samples: npt.NDArray[np.int16] | Mono) -> bool:
    """Say whether samples exceed -72 dB of full scale."""
    limit = SILENCE_PEAK * STEPS if samples.dtype == np.int16 else SILENCE_PEAK
    return bool(len(samples)) and float(max(samples.max(), -samples.min(initial=0.0))) >= limit


def stream_windows(
    blocks: Iterator[npt.NDArray[np.int16]], length: int, hop: int
) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Yield (start, window) of consecutive samples: the windows of `windows.window_starts`, without knowing the length.

    Each window has `length` samples. At most a block and a window are held.
    """
    held = np.zeros(0, np.int16)
    first, start = 0, 0  # where `held` begins, where the next window does
    for block in blocks:
        held = np.concatenate([held, block])
        while start + length <= first + len(held):
            yield start, held[start - first : start - first + length].copy()
            start += hop
        keep = max(first, min(start, first + len(held) - length))
        held, first = held[keep - first :], keep
    end = first + len(held)
    last = start - hop + length if start else 0  # where the windows so far end
    if end > last:
        begin = max(0, end - length)
        yield begin, cut_window(held, begin - first, length).copy()
