"""What the speed benchmark measures by, tried on commands whose cost is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from model_fixtures import tiny_card, tiny_model

from instrumentarium.models.modelfile import save_model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import predict_speed


def test_a_run_tells_time_and_memory_of_the_command_alone():
    held = np.ones(60_000_000, np.uint8)  # of this process: no part of what the command holds
    idle = predict_speed.run([sys.executable, "-c", "import time; time.sleep(0.3)"])
    busy = predict_speed.run([sys.executable, "-c", "block = b'x' * 200_000_000"])
    assert held.all()
    assert idle.clock_s > 0.3
    assert idle.processor_s < idle.clock_s
    assert idle.peak_mb < 60
    assert 200 < busy.peak_mb < 260
    with pytest.raises(subprocess.CalledProcessError):
        predict_speed.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_files_are_as_long_as_they_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(predict_speed, "SONG_S", 0.5)
    predict_speed.write_folder(tmp_path / "songs", "wav", 6)
    assert [soundfile.info(path).duration for path in sorted((tmp_path / "songs").iterdir())] == [0.5] * 6
    predict_speed.write_long(tmp_path / "long.flac", 1.3 / 3600)
    assert soundfile.info(tmp_path / "long.flac").frames == round(1.3 * predict_speed.RATE_HZ)


def test_the_plain_front_end_has_a_rate(tmp_path: Path):
    save_model(tmp_path / "model", tiny_model().state_dict(), tiny_card())
    assert predict_speed.frontend_rate(tmp_path / "model", 1) > 1
