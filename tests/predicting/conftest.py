"""A workspace with a tiny model, and audio made in the test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from model_fixtures import tiny_card, tiny_model

from instrumentarium.evaluation.thresholds import Support, Thresholds
from instrumentarium.models.modelfile import save_model
from instrumentarium.runtime.files import write_json
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.taxonomy import CODES


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(tiny_model(), tiny_card(), torch.device("cpu"))


@pytest.fixture
def model(tmp_path: Path, recognizer: Recognizer) -> Path:
    """Return a model's folder with thresholds beside it, so low that every instrument plays in every sound."""
    save_model(tmp_path / "data" / "model", recognizer.model.state_dict(), recognizer.card)
    thresholds = Thresholds(
        chosen_from="validation",
        rule="fixed",
        fixed=0.01,
        global_=0.01,
        per_instrument=dict.fromkeys(CODES, 0.01),
        unshrunk=dict.fromkeys(CODES, 0.01),
        positives=dict.fromkeys(CODES, Support(clips=1, recordings=1)),
        cross_fitted_f1_macro={"fixed": 0.5, "global": 0.5, "per_instrument": 0.5},
    )
    write_json(tmp_path / "data" / "thresholds.json", thresholds.content())
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
