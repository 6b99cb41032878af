import os
from pathlib import Path

import pytest

from instrumentarium.runtime.machine import Training, cores, memory_gib, processor, recall_training, remember_training

TRAINING = Training(12.5, 3, "some processor", 2, 1, 15.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.4, "12 s"), (59.9, "60 s"), (60, "1.0 min"), (3599, "60.0 min"), (3600, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_time_is_said_as_people_do(seconds: float, text: str) -> None:
    training = Training(seconds, 3, "some processor", 2, 1, 15.5)
    assert training.text() == (f"Trained in {text} (3 epochs) on some processor; 2 cores, 1 threads, 16 GiB of memory.")


def test_a_record_goes_by_the_content_of_the_weights(tmp_path: Path, cache: Path) -> None:
    weights, copy = tmp_path / "a", tmp_path / "b"
    weights.write_bytes(b"weights")
    assert recall_training(weights) is None
    remember_training(weights, TRAINING)
    copy.write_bytes(b"weights")
    assert recall_training(copy) == TRAINING
    copy.write_bytes(b"others")
    assert recall_training(copy) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"seconds": "long"}'])
def test_a_damaged_record_is_none(tmp_path: Path, cache: Path, text: str) -> None:
    weights = tmp_path / "a"
    weights.write_bytes(b"weights")
    remember_training(weights, TRAINING)
    (record,) = (cache / "trainings").iterdir()
    record.write_text(text)
    assert recall_training(weights) is None


def test_this_machine_is_described() -> None:
    assert processor()
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert memory_gib() > 0.1
