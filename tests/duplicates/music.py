"""Pieces made of plucked notes, copies of them as other files hold them, and clips in memory as a collection."""

import hashlib
import io
from collections.abc import Mapping

import numpy as np
import pandas as pd
import soundfile
import soxr

from instrumentarium.clips.collection import ClipSamples

RATE_HZ = 32000


def piece(seed: int, seconds: float = 6.0) -> np.ndarray:
    """Return notes of random pitch, length and timbre over faint noise, (samples,) int16."""
    rng = np.random.default_rng(seed)
    sound = 1e-4 * rng.standard_normal(round(seconds * RATE_HZ))
    begin = 0
    while begin < len(sound):
        time = np.arange(min(len(sound) - begin, RATE_HZ)) / RATE_HZ
        pitch = 220 * 2 ** (rng.integers(0, 25) / 12)
        partials = [rng.uniform(0.2, 1) / n * np.sin(2 * np.pi * n * pitch * time) for n in range(1, 7)]
        sound[begin : begin + len(time)] += rng.uniform(0.3, 1) * np.exp(-5 * time) * np.sum(partials, axis=0)
        begin += round(RATE_HZ * rng.uniform(0.1, 0.35))
    return to_int16(0.7 * sound / np.abs(sound).max())


def to_int16(sound: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)


def to_float(samples: np.ndarray) -> np.ndarray:
    return samples.astype(np.float64) / 32767


def coded(samples: np.ndarray, kind: str, subtype: str) -> np.ndarray:
    """Return the samples as they come back from a lossy file of medium quality."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", RATE_HZ, 1, subtype, format=kind, compression_level=0.6) as writer:
        for begin in range(0, len(samples), 65536):
            writer.write(samples[begin : begin + 65536])
    return soundfile.read(io.BytesIO(file.getvalue()), dtype="int16")[0]


def noisy(samples: np.ndarray, snr_db: float, seed: int = 0) -> np.ndarray:
    sound = to_float(samples)
    noise = np.random.default_rng(seed).standard_normal(len(sound))
    return to_int16(sound + noise * np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20))


def through_22_khz(samples: np.ndarray) -> np.ndarray:
    return to_int16(soxr.resample(soxr.resample(to_float(samples), RATE_HZ, 22050), 22050, RATE_HZ))


COPIES = {
    "quieter": lambda samples: to_int16(to_float(samples) * 10 ** (-12 / 20)),
    "inverted": lambda samples: -samples,
    "half a frame later": lambda samples: np.append(np.zeros(256, np.int16), samples),
    "cut": lambda samples: samples[41_234:],
    "vorbis": lambda samples: coded(samples, "OGG", "VORBIS"),
    "mp3": lambda samples: coded(samples, "MP3", "MPEG_LAYER_III"),
    "resampled": through_22_khz,
    "noisy": lambda samples: noisy(samples, 30),
    "all of it": lambda samples: through_22_khz(coded(samples[41_234:] // 4, "MP3", "MPEG_LAYER_III")),
}
"""Ways in which one recording comes as two different files."""


def collect(
    sounds: Mapping[str, np.ndarray], recordings: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, ClipSamples]:
    """Return clips and samples of `sounds` by clip id; each is a recording unless `recordings` says which."""
    rows = [
        {
            "clip_id": clip_id,
            "corpus": clip_id.split("/")[0],
            "recording_id": (recordings or {}).get(clip_id, clip_id),
            "duration_s": len(samples) / RATE_HZ,
            "pcm_hash": hashlib.md5(samples.tobytes()).hexdigest(),
        }
        for clip_id, samples in sounds.items()
    ]
    lengths = [len(samples) for samples in sounds.values()]
    store = Memory(np.concatenate([np.zeros(0, np.int16), *sounds.values()]))
    starts = np.cumsum([0, *lengths])[:-1]
    samples = ClipSamples(tuple(sounds), (store,), (0,) * len(sounds), tuple(map(int, starts)), tuple(lengths))
    return pd.DataFrame(rows, columns=["clip_id", "corpus", "recording_id", "duration_s", "pcm_hash"]), samples


class Memory:
    """A sample store in memory."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples

    def read(self, first_sample: int, n_samples: int) -> np.ndarray:
        return self.samples[first_sample : first_sample + n_samples]
