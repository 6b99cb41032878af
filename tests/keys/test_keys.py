"""Keys and tempi of rendered progressions, profiles, and what the plots get."""

import numpy as np
import pandas as pd
import pytest
from model_fixtures import clip_samples

from instrumentarium.keys.plots import key_rows, tempo_rows, with_instruments
from instrumentarium.keys.recordings import UNKNOWN, estimate, estimate_all
from instrumentarium.keys.tonality import PROFILES, key_of
from instrumentarium.tables.schemas import KEYS_TEMPOS, PITCH_CLASSES

RATE_HZ = 22050


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_a_profile_is_of_its_own_key(tonic: int, mode: str):
    found = key_of(np.roll(PROFILES[mode], tonic))  # type: ignore[index]
    assert found is not None
    assert (found.tonic, found.mode) == (PITCH_CLASSES[tonic], mode)
    assert found.strength == pytest.approx(1.0)


def test_the_strength_is_the_correlation_whatever_the_level():
    chroma = np.random.default_rng(0).random(12)
    found, louder = key_of(chroma), key_of(7 * chroma + 3)
    assert found is not None
    assert louder is not None
    profile = np.roll(PROFILES[found.mode], PITCH_CLASSES.index(found.tonic))
    assert found.strength == pytest.approx(np.corrcoef(profile, chroma)[0, 1])
    assert (louder.tonic, louder.mode) == (found.tonic, found.mode)
    assert key_of(np.ones(12)) is None


def chords(tonic: int, mode: str, bpm: float, duration_s: float = 6.0) -> np.ndarray:
    """Return i, iv, V, i as plucked chords, one a beat, from a tonic above C4."""
    third = 4 if mode == "major" else 3
    progression = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
    sound = np.zeros(round(duration_s * RATE_HZ))
    beat = 60 / bpm
    for number in range(int(duration_s / beat)):
        start = round(number * beat * RATE_HZ)
        time = np.arange(len(sound) - start) / RATE_HZ
        for note in progression[number % 4]:
            hz = 261.63 * 2 ** ((tonic + note) / 12)
            sound[start:] += np.exp(-6 * time) * sum(np.sin(2 * np.pi * hz * k * time) / k**2 for k in (1, 2, 3))
    return (8000 * sound / np.abs(sound).max()).astype(np.int16)


@pytest.mark.parametrize(("tonic", "mode", "bpm"), [(0, "major", 100.0), (5, "major", 132.0), (9, "minor", 90.0)])
def test_key_and_tempo_of_chords_are_found(tonic: int, mode: str, bpm: float):
    row = estimate(("r", [chords(tonic, mode, bpm), chords(tonic, mode, bpm)], RATE_HZ))
    assert (row["key"], row["mode"]) == (PITCH_CLASSES[tonic], mode)
    assert row["key_strength"] > 0.6
    assert row["tempo_bpm"] == pytest.approx(bpm, rel=0.05)


def test_nothing_is_known_of_silence_and_a_short_clip_is_no_trouble():
    assert estimate(("r", [np.zeros(9000, np.int16)], RATE_HZ)) == {"recording_id": "r", **UNKNOWN}
    short = estimate(("r", [chords(0, "major", 100.0)[:900]], RATE_HZ))
    assert short["key"] in PITCH_CLASSES


def test_a_recording_is_estimated_from_all_its_clips(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("instrumentarium.runtime.workers.usable_cores", lambda: 1)  # in this process
    clips = [chords(0, "major", 100.0), np.zeros(4000, np.int16), chords(0, "major", 100.0), chords(9, "minor", 90.0)]
    samples = clip_samples(clips, ["a", "b", "c", "d"])
    table = estimate_all(samples, {"a": "one", "b": "silent", "c": "one", "d": "two"}, RATE_HZ)
    assert table["recording_id"].tolist() == ["one", "silent", "two"]
    assert table["key"].tolist() == ["C", "unknown", "A"]
    KEYS_TEMPOS.write(tmp_path / "keys_tempos.csv", table)
    pd.testing.assert_frame_equal(KEYS_TEMPOS.read(tmp_path / "keys_tempos.csv"), table)


def test_no_recordings_give_an_empty_table_and_empty_plots(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("instrumentarium.runtime.workers.usable_cores", lambda: 1)
    table = estimate_all(clip_samples([]), {}, RATE_HZ)
    KEYS_TEMPOS.write(tmp_path / "keys_tempos.csv", table)
    assert (tmp_path / "keys_tempos.csv").read_text() == "recording_id,key,mode,key_strength,tempo_bpm\n"
    shown = with_instruments(table, LABELS, {"a": "one"}, ("flu", "cel"))
    assert key_rows(shown) == tempo_rows(shown) == []


LABELS = pd.DataFrame(
    [
        ("a", "cel", 1.0),
        ("b", "cel", 0.9),
        ("b", "flu", 0.6),
        ("c", "flu", 0.5),
        ("c", "cel", 0.2),
        ("d", "flu", 1.0),
        ("elsewhere", "flu", 1.0),
    ],
    columns=["clip_id", "instrument", "relevance"],
)


def test_recordings_are_counted_all_together_and_by_each_of_their_instruments():
    table = pd.DataFrame(
        [
            ("one", "C", "major", 0.9, 101.0),
            ("two", "C", "major", 0.8, 109.9),
            ("silent", "unknown", "unknown", 0.0, 0.0),
        ],
        columns=["recording_id", "key", "mode", "key_strength", "tempo_bpm"],
    )
    recordings = {"a": "one", "b": "one", "c": "two", "d": "silent", "elsewhere": "of validation"}
    shown = with_instruments(table, LABELS, recordings, ("flu", "cel"))
    assert list(zip(shown["instrument"], shown["recording_id"], strict=True)) == [
        *(("all", "one"), ("all", "silent"), ("all", "two")),
        *(("flu", "one"), ("flu", "silent"), ("cel", "one")),
    ]
    rows = key_rows(shown)
    assert len(rows) == 3 * 24
    counted = [(row["instrument"], row["key"], row["mode"], row["recordings"]) for row in rows if row["recordings"]]
    assert counted == [("all", "C", "major", 2), ("flu", "C", "major", 1), ("cel", "C", "major", 1)]
    assert tempo_rows(shown) == [
        {"instrument": name, "tempo_bpm": 100, "to_bpm": 110, "recordings": count}
        for name, count in (("all", 2), ("flu", 1), ("cel", 1))
    ]
