"""A workspace with a tiny model, and audio made in the test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from model_fixtures import tiny_card, tiny_model
from predicting.made import write_thresholds

from instrumentarium.models.modelfile import save_model
from instrumentarium.scoring.recognizer import Recognizer


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(tiny_model(), tiny_card(), torch.device("cpu"))


@pytest.fixture
def model(tmp_path: Path, recognizer: Recognizer) -> Path:
    """Return a model's folder with thresholds beside it, so low that every instrument plays in every sound."""
    save_model(tmp_path / "data" / "model", recognizer.model.state_dict(), recognizer.card)
    write_thresholds(tmp_path / "data" / "thresholds.json", recognizer.card.taxonomy.codes, 0.01)
    return tmp_path / "data" / "model"


def _music(rate_hz: int, duration_s: float, channels: int = 1) -> npt.NDArray[np.float64]:
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    notes = sum((0.2 * np.sin(2 * np.pi * hz * time) * (1 + np.sin(9 * time)) for hz in (220, 660, 1500)), 0 * time)
    return np.tile(notes[:, None], (1, channels))


@pytest.fixture
def music() -> Callable[..., npt.NDArray[np.float64]]:
    """Return a maker of notes, (frames, channels), within the band of an 8 kHz signal."""
    return _music


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Return a file of 1.3 s in a folder of its own."""
    path = tmp_path / "songs" / "song.wav"
    path.parent.mkdir()
    soundfile.write(path, _music(44100, 1.3, 2), 44100)
    return path
