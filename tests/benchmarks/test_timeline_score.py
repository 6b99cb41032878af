"""The score of a timeline is what can be counted by hand."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_fixtures import RATE_HZ, tiny_card, tiny_model
from predicting.made import Steady, ladder_of, write_thresholds

from instrumentarium.models.modelfile import save_model
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, SPLIT
from taxonomies import BAND3, IRMAS11

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import timeline_score

CODES = IRMAS11.codes
CEL, CLA = CODES.index("cel"), CODES.index("cla")


def test_a_second_counts_by_any_sound_or_by_half_of_it():
    stretches = [("cel", 0.9, 2.5), ("cla", 3.1, 3.3)]
    assert timeline_score.grid_of(stretches, CODES, 3.4, "any")[:, CEL].tolist() == [True, True, True, False]
    assert timeline_score.grid_of(stretches, CODES, 3.4, "half")[:, CEL].tolist() == [False, True, True, False]
    assert timeline_score.grid_of(stretches, CODES, 3.4, "half")[:, CLA].tolist() == [
        False,
        False,
        False,
        True,
    ]  # of 0.4 s


def test_f1_is_counted_over_seconds_and_instruments():
    true = np.zeros((4, len(CODES)), dtype=np.bool_)
    predicted = true.copy()
    true[:3, CEL] = predicted[1:, CEL] = predicted[0, CLA] = True
    found = timeline_score.metrics([timeline_score.counts(true, predicted)], CODES)
    assert found["f1"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 1), abs=1e-4)
    assert (found["precision"], found["recall"]) == (0.5, pytest.approx(2 / 3, abs=1e-4))
    assert found["per_instrument"] == {"cel": pytest.approx(2 / 3, abs=1e-4)}
    perfect = timeline_score.metrics([timeline_score.counts(true, true)], CODES)
    assert (perfect["f1"], perfect["f1_macro"], perfect["f1_interval"]) == (1.0, 1.0, [1.0, 1.0])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a workspace: a song of two test clips, 2 s and 3 s, and a model that predicts all instruments all the time."""
    names = ["irmas/P/song-10", "irmas/P/song-2"]
    folder = tmp_path / "clips" / "miniature" / "irmas"
    rng = np.random.default_rng(0)
    with SampleWriter(folder / "samples") as store:
        for seconds in (3, 2):
            store.append((rng.standard_normal(seconds * RATE_HZ) * 3000).astype(np.int16))
    rows = pd.DataFrame(
        {
            "clip_id": names,
            "corpus": "irmas",
            "recording_id": "irmas/song",
            "path": [f"{name}.wav" for name in names],
            "duration_s": [3.0, 2.0],
            "sample_rate_hz": RATE_HZ,
            "channels": 1,
            "first_sample": [0, 3 * RATE_HZ],
            "n_samples": [3 * RATE_HZ, 2 * RATE_HZ],
            "official_split": "test",
            "genre": "",
            "drums": "unknown",
            "licence": "none",
            "group": "",
            "pcm_hash": ["0" * 32, "1" * 32],
        }
    )
    CLIPS.write(folder / "clips.csv", rows)
    SPLIT.write(tmp_path / "split.csv", rows[["clip_id", "recording_id"]].assign(split="test")[list(SPLIT.columns)])
    truth = tmp_path / "truth" / "miniature" / "irmas" / "truth-timeline.csv"
    truth.parent.mkdir(parents=True)
    lines = ["clip_id,instrument,start_s,end_s", f"{names[0]},cel,0.000,3.000", f"{names[1]},cla,1.000,2.000"]
    truth.write_text("\n".join(lines) + "\n", encoding="utf-8")
    save_model(tmp_path / "model", tiny_model().state_dict(), tiny_card())
    write_thresholds(tmp_path / "thresholds.json", CODES, 0.0)
    return tmp_path


def options(data: Path, split: str = "test") -> argparse.Namespace:
    return argparse.Namespace(
        data=data, model=None, split=split, overlap=None, step=0.5, smooth=1.5, release=0.8, minimum=1.0
    )


def test_clips_follow_each_other_as_in_the_song_with_their_true_times(data: Path):
    (song,) = timeline_score.songs_of(data, "miniature", "test")
    assert song[1:] == (["irmas/P/song-2", "irmas/P/song-10"], [0, 2 * RATE_HZ])
    found = timeline_score.measure(options(data))
    assert (found["songs"], found["clips"], found["duration_s"]) == (1, 2, 5.0)
    for rule in ("any", "half"):
        # everything is predicted: 55 decisions, of which cello's last three seconds and clarinet's second are true
        assert found[rule]["timeline"]["precision"] == pytest.approx(4 / 55, abs=1e-4)
        assert found[rule]["timeline"]["recall"] == 1.0
        assert found[rule]["timeline"] == found[rule]["whole_song"]
        assert found[rule]["true_labels_of_clips"]["f1"] == pytest.approx(2 * 4 / (2 * 4 + 1), abs=1e-4)


def test_a_model_of_none_of_the_songs_instruments_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch):
    ladder = ladder_of(Steady(BAND3, [0.9, 0.2, 0.6]), 0.5)
    monkeypatch.setattr(timeline_score, "load_ladder", lambda *_, **__: ladder)
    with pytest.raises(UserError, match="none of the model's instruments: banjo, bass, steel_drums"):
        timeline_score.measure(options(data))


def test_a_split_without_songs_is_refused(data: Path):
    with pytest.raises(UserError, match="no IRMAS test songs in the split validation"):
        timeline_score.measure(options(data, "validation"))
