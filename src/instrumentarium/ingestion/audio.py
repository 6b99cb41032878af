"""From the bytes of an audio file to mono samples: the only codec of the project.

Files are read by libsndfile, mixed down to one channel by the mean, resampled once by soxr (HQ), and kept as 16-bit
integers. Nothing is normalised: loudness stays what it was, except that a float file above full scale is scaled down.
"""

import io
import mmap
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from instrumentarium.runtime.checksums import md5_of_bytes
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.samplestore import FULL_SCALE

STEPS = 32768
"""Steps of a 16-bit integer from zero to -1, as libsndfile counts them."""
SIXTEEN_BITS = frozenset({"PCM_16", "PCM_S8", "PCM_U8"})
"""Codings that 16-bit integers hold without loss."""
FIRST_LOOK = 4096
"""Frames that are enough to see that most audio of more than 16 bits is not of 16."""
SHORTEST_S = 0.1
"""Clips below 100 ms hold no note that could be recognised."""
SILENCE_PEAK = 10 ** (-72 / 20)
"""A clip that never exceeds this (about ±8 of 32,768) is silent: a label on it can't be true."""


class AudioError(UserError, ValueError):
    """Audio that cannot be used; the message is the reason, as rejected.csv states it."""


Pcm = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Decoded samples, (frames, channels): 16-bit integers, or float32 with full scale at ±1."""


@dataclass(frozen=True)
class Clip:
    """One decoded clip: mono samples at the store's rate, and what the publisher's file was."""

    samples: npt.NDArray[np.int16]  # (n_samples,)
    duration_s: float
    sample_rate_hz: int
    channels: int
    pcm_hash: str


def decode(data: bytes) -> tuple[Pcm, int]:
    """Return the samples of a file and its sample rate in Hz.

    What 16 bits hold stays integers, half as much to read, hash and look through; all else becomes float32.

    Raises:
        AudioError: if the bytes are no audio file, break off, or hold no frame.
    """
    if not data:
        raise AudioError("the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            announced = file.frames
            samples = file.read(dtype="int16" if file.subtype in SIXTEEN_BITS else "float32", always_2d=True)
            rate = int(file.samplerate)
    except soundfile.LibsndfileError as error:  # its text would name the buffer's address in memory
        raise AudioError(f"not readable as audio: {error.error_string}") from error
    missing = wav_bytes_missing(data)
    if missing:
        raise AudioError(f"truncated: {missing} bytes of the audio that its header announces are not there")
    if len(samples) < announced:
        raise AudioError(f"truncated: its header announces {announced} frames, {len(samples)} are there")
    if not len(samples):
        raise AudioError("the file holds no audio frame")
    return samples, rate


def wav_bytes_missing(data: bytes | mmap.mmap) -> int:
    """Return how many bytes a WAV file lacks of the audio it announces, which libsndfile passes over; 0 for others."""
    chunk = 12
    while data[:4] == b"RIFF" and chunk + 8 <= len(data):
        size = int.from_bytes(data[chunk + 4 : chunk + 8], "little")
        if data[chunk : chunk + 4] == b"data":
            streamed = size >= 0x7FFF0000  # written to a pipe, with the length still unknown
            return 0 if streamed else max(0, chunk + 8 + size - len(data))
        chunk += 8 + size + size % 2
    return 0


def peak_of(samples: Pcm) -> float:
    """Return the largest magnitude, as a share of full scale; NaN if a sample is NaN."""
    peak = max(float(samples.max()), -float(samples.min()))  # not by abs: it would copy, and leave -32768 negative
    return peak / STEPS if samples.dtype == np.int16 else peak


def pcm_hash(samples: Pcm) -> str:
    """Return the md5 of samples, by their values: of 16-bit integers wherever these say the same, else of float32.

    So a 24-bit or float copy of 16-bit audio has its hash.
    """
    if samples.dtype == np.float32 and _is_sixteen_bit(samples[:FIRST_LOOK]) and _is_sixteen_bit(samples):
        samples = (samples * np.float32(STEPS)).astype(np.int16)
    kind = "<i2" if samples.dtype == np.int16 else "<f4"
    return md5_of_bytes(np.ascontiguousarray(samples, dtype=kind).data)


def _is_sixteen_bit(samples: Pcm) -> bool:
    """Say whether finite float samples are 16-bit integers, scaled."""
    scaled = samples * np.float32(STEPS)
    return bool(scaled.min() >= -STEPS and scaled.max() < STEPS and np.array_equal(np.rint(scaled), scaled))


def mix_down(samples: Pcm) -> npt.NDArray[np.float32]:
    """Average the channels of (frames, channels) to (frames,), float32 with full scale at ±1.

    Channel by channel: NumPy's mean along so short an axis takes ten times as long.
    """
    mono: npt.NDArray[np.float32] = samples[:, 0].astype(np.float32, copy=False)
    channels = samples.shape[1]
    if channels > 1:
        mono = mono + samples[:, 1]
        for channel in range(2, channels):
            mono += samples[:, channel]
        mono /= np.float32(channels)
    return mono / np.float32(STEPS) if samples.dtype == np.int16 else mono


def resample(mono: npt.NDArray[np.float32], rate: int, new_rate: int) -> npt.NDArray[np.float32]:
    """Resample (frames,) from `rate` to `new_rate`, both in Hz, with soxr's HQ recipe."""
    if rate == new_rate:
        return mono
    return np.asarray(soxr.resample(mono, rate, new_rate, quality="HQ"), dtype=np.float32)


def to_int16(mono: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Round to 16-bit integers; what lies beyond full scale (a resampler's overshoot) is clipped to it."""
    scaled = np.clip(mono * np.float32(FULL_SCALE), -FULL_SCALE, FULL_SCALE)
    return np.asarray(np.rint(scaled), dtype=np.int16)


def decode_clip(data: bytes, sample_rate_hz: int) -> Clip:
    """Decode, check, mix down and resample one file.

    `pcm_hash` is taken of the decoded samples before mixing and resampling: equal audio has equal hashes whatever the
    container it came in.

    Raises:
        AudioError: if the file is unreadable, truncated, empty, shorter than 0.1 s, silent, or holds NaN or infinity.
    """
    samples, rate = decode(data)
    duration_s = len(samples) / rate
    if duration_s < SHORTEST_S:
        raise AudioError(f"too short: {len(samples)} frames at {rate} Hz are under {SHORTEST_S} s")
    peak = peak_of(samples)
    if not np.isfinite(peak):
        raise AudioError("it holds NaN or infinite samples")
    mono = mix_down(samples)
    if peak > 1:
        mono = mono / np.float32(peak)
    if float(np.abs(mono).max()) < SILENCE_PEAK:
        raise AudioError("silent: its peak lies below -72 dB of full scale")
    stored = to_int16(resample(mono, rate, sample_rate_hz))
    return Clip(stored, round(duration_s, 6), rate, samples.shape[1], pcm_hash(samples))
