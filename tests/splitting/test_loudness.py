import numpy as np
import pytest

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.splitting import loudness
from instrumentarium.splitting.loudness import SILENT_DB, levels_db


class Kept:
    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples

    def read(self, first: int, count: int) -> np.ndarray:
        return self.samples[first : first + count]


def clips_of(*parts: np.ndarray) -> ClipSamples:
    lengths = tuple(len(part) for part in parts)
    firsts = tuple(int(first) for first in np.cumsum([0, *lengths])[:-1])
    names = tuple(map(str, range(len(parts))))
    return ClipSamples(names, (Kept(np.concatenate(parts)),), (0,) * len(parts), firsts, lengths)


def test_a_level_is_the_root_mean_square_in_decibels() -> None:
    time = np.arange(32000)
    sine = np.rint(32767 * np.sin(2 * np.pi * time / 100)).astype(np.int16)
    square = np.where(time % 2, 32767, -32767).astype(np.int16)
    found = levels_db(clips_of(sine, square, np.zeros(10, np.int16), (square // 10).astype(np.int16)))
    assert found == pytest.approx([-3.0103, 0.0, SILENT_DB, -20.0], abs=1e-3)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, 10_007).astype(np.int16)
    whole = levels_db(clips_of(noise))
    monkeypatch.setattr(loudness, "BLOCK", 64)
    assert levels_db(clips_of(noise)) == pytest.approx(whole, abs=1e-5)
