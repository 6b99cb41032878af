"""One clip of a corpus: its samples as the store keeps them, and what the publisher's file was."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.decoding.decoder import decode_blocks
from instrumentarium.decoding.pcm import SILENT, STEPS, AudioError, Block, Pcm
from instrumentarium.decoding.stream import SampleStream

FIRST_LOOK = 4096
"""Frames that are enough to see that most audio of more than 16 bits is not of 16."""
LONGEST_S = 7200.0
"""A clip is held whole, several at a time: 460 MB at 32 kHz. No corpus has longer ones; a file of 2 MB can be of 40 h."""


@dataclass(frozen=True)
class Clip:
    """One decoded clip: mono samples at the store's rate, and what the publisher's file was."""

    samples: npt.NDArray[np.int16]  # (n_samples,)
    duration_s: float
    sample_rate_hz: int
    channels: int
    pcm_hash: str


class PcmHash:
    """The md5 of samples, by their values: of 16-bit integers wherever these say the same, else of float32.

    So a 24-bit or float copy of 16-bit audio has its hash.
    """

    def __init__(self) -> None:
        self._integers = hashlib.md5(usedforsecurity=False)
        self._floats = hashlib.md5(usedforsecurity=False)
        self._sixteen_bit, self._has_floats = True, False

    def add(self, samples: Pcm) -> None:
        """Take further samples, (frames, channels), finite; all of one type."""
        if samples.dtype == np.int16:
            self._integers.update(np.ascontiguousarray(samples, dtype="<i2").data)
            return
        self._has_floats = True
        self._floats.update(np.ascontiguousarray(samples, dtype="<f4").data)
        if self._sixteen_bit:
            self._sixteen_bit = _is_sixteen_bit(samples[:FIRST_LOOK]) and _is_sixteen_bit(samples)
        if self._sixteen_bit:
            self._integers.update((samples * np.float32(STEPS)).astype("<i2").data)

    def hexdigest(self) -> str:
        """Return the hash of all that was added."""
        return (self._floats if self._has_floats and not self._sixteen_bit else self._integers).hexdigest()


def _is_sixteen_bit(samples: Pcm) -> bool:
    """Say whether finite float samples are 16-bit integers, scaled."""
    with np.errstate(over="ignore"):
        scaled = samples * np.float32(STEPS)
    return bool(scaled.min() >= -STEPS and scaled.max() < STEPS and np.array_equal(np.rint(scaled), scaled))


class _Source:
    """A file's blocks, as often as they are asked for; what they are is noted the first time."""

    def __init__(self, data: bytes) -> None:
        self._data, self._hash = data, PcmHash()
        self.sample_rate_hz = self.channels = 0
        self._again = False

    def blocks(self) -> Iterator[Block]:
        blocks = decode_blocks(self._data)
        if self._again:
            yield from blocks
            return
        self._again = True
        for block in blocks:
            if not self.channels:
                self.sample_rate_hz, self.channels = block.sample_rate_hz, block.samples.shape[1]
            yield block  # what is not finite or has no rate ends here
            if len(block.samples):
                self._hash.add(block.samples)

    def pcm_hash(self) -> str:
        return self._hash.hexdigest()


def decode_clip(data: bytes, sample_rate_hz: int) -> Clip:
    """Decode, check, mix down and resample one file.

    `pcm_hash` is taken of the decoded samples before mixing and resampling: equal audio has equal hashes whatever the
    container it came in.

    Raises:
        AudioError: if the file is unreadable, truncated, empty, shorter than 0.1 s, longer than 2 h, silent, or holds NaN
            or infinity.
    """
    source = _Source(data)
    stream = SampleStream(source.blocks, sample_rate_hz)
    parts: list[npt.NDArray[np.int16]] = []
    for part in stream:
        if stream.duration_s > LONGEST_S:
            raise AudioError(f"too long: over {LONGEST_S / 3600:g} h; cut it into clips")
        parts.append(part)
    if stream.silent:
        raise AudioError(SILENT)
    return Clip(
        np.concatenate(parts),
        round(stream.duration_s, 6),
        source.sample_rate_hz,
        source.channels,
        source.pcm_hash(),
    )
