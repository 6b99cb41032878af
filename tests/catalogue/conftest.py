"""A tiny model, and songs of which some cannot be used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from model_fixtures import Parts
from predicting.made import save

RATE_HZ = 16000


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model's folder with thresholds beside it, at which some instruments play."""
    save(tmp_path / "data" / "model", Parts(), 0.5)
    return tmp_path / "data" / "model"


@pytest.fixture
def songs(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of a folder of songs; every seventh is no audio, every eleventh is silent."""

    def make(count: int, duration_s: float = 1.0) -> Path:
        folder, rng = tmp_path / "songs", np.random.default_rng(0)
        for number in range(count):
            path = folder / f"{number % 3}" / f"{number:03}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
            sound = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 3000) * time) + 0.05 * rng.standard_normal(len(time))
            if number % 7 == 3:
                path.write_bytes(b"no audio")
            else:
                soundfile.write(path, sound * (number % 11 != 5), RATE_HZ)
        return folder

    return make
