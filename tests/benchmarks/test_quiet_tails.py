"""What soft ends add and soft passages keep is what a model that knows nothing of loudness lets one foresee."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from model_fixtures import RATE_HZ
from predicting.timbre import Timbre, tone

from instrumentarium.predicting.ladder import Audio2Timeline, File2Timeline, Files2Table, Samples2Scores, Windows2Scores
from instrumentarium.runtime.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import quiet_tails

OPTIONS = argparse.Namespace(
    data=Path("data"), model=None, split="test", reverberation=4.0, seed=0, quietest_db=[150.0]
)


def use(monkeypatch: pytest.MonkeyPatch, *songs: npt.NDArray[np.float64]) -> None:
    """Have the benchmark find these songs, and a model of low tones, high tones and noise."""

    def songs_of(*_: object) -> Iterator[tuple[npt.NDArray[np.int16], list[str], list[float]]]:
        yield from ((np.rint(32767 * song).astype(np.int16), [], []) for song in songs)

    audio2timeline = Audio2Timeline(Samples2Scores(Windows2Scores(Timbre())), np.full(3, 0.5))
    monkeypatch.setattr(quiet_tails, "songs_of", songs_of)
    monkeypatch.setattr(quiet_tails, "load_ladder", lambda *_: Files2Table(File2Timeline(audio2timeline)))


def test_the_rule_keeps_noise_out_and_a_pianissimo_in(monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, tone(300.0, 9.0), tone(2500.0, 9.0))
    found = quiet_tails.measure(OPTIONS)
    assert (found["songs"], found["duration_s"], found["own_quietest_db"]) == (2, 18.0, 40.0)
    own, every = found["quietest_db"]["own"], found["quietest_db"]["150"]
    assert [own["noise"][level]["added"] for level in ("-30", "-40", "-50", "-60")] == [2, 0, 0, 0]
    assert [every["noise"][level]["added"] for level in ("-30", "-40", "-50", "-60")] == [2, 2, 2, 2]
    assert (own["fades"]["0"]["added"], every["fades"]["0"]["added"]) == (0, 2)  # into the noise floor
    assert own["silence"]["0"] == {"songs": 2, "added": 0, "removed": 0}
    kept = {level: counts["kept"] for level, counts in own["pianissimo"].items()}
    assert kept == {"-15": 2, "-25": 2, "-30": 2, "-35": 0, "-45": 0}
    assert all(counts["kept"] == counts["of"] == 2 for counts in every["pianissimo"].values())
    assert all(counts["songs"] == 2 and not counts["removed"] for counts in own["tails"].values())
    assert own["without_span"] == every["without_span"] == 0


def test_a_reverberation_falls_by_60_db_in_its_time():
    tail = quiet_tails.reverberation(tone(300.0, 4.0), RATE_HZ, 4.0, np.random.default_rng(0))
    parts = [10 * np.log10(np.mean(tail[round(at * RATE_HZ) :][:RATE_HZ] ** 2)) for at in (1, 5)]
    assert parts[0] - parts[1] == pytest.approx(60, abs=6)


def test_one_song_is_too_few(monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, tone(300.0, 3.0))
    with pytest.raises(UserError, match="has 1 IRMAS test songs"):
        quiet_tails.measure(OPTIONS)
