from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instrumentarium.clips.collection import clips_of, open_samples, read_clips, read_labels
from instrumentarium.corpora.source.members import SourceClip
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.tables.samplestore import MissingSamplesError, SamplesError
from instrumentarium.tables.table import MissingTableError, TableError

RATE = 32000


@pytest.fixture
def folders(tmp_path: Path, tone: Callable[..., np.ndarray], audio: Callable[..., bytes]) -> list[Path]:
    """Return the folders of three ingested corpora: two clips, one clip, none. Every clip is a note of its own."""
    notes = {"irmas": {"b": 500, "a": 700}, "openmic": {"c": 900}, "esc50": {}}
    for corpus, clips in notes.items():
        source = [
            SourceClip(f"{name}.wav", audio(tone(0.5, hz, RATE), RATE), name, {"voi": 1.0, "cel": 0.0}, "train")
            for name, hz in clips.items()
        ]
        ingest(corpus, iter(source), tmp_path / corpus, RATE)
    return [tmp_path / corpus for corpus in notes]


def note(samples: np.ndarray) -> float:
    """Return the strongest frequency, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples))


def test_the_tables_of_all_corpora_become_one_sorted_table(folders: list[Path]):
    for order in (folders, folders[::-1]):
        assert read_clips(order)["clip_id"].tolist() == ["irmas/a", "irmas/b", "openmic/c"]
        labels = read_labels(order)
        assert labels["clip_id"].tolist() == ["irmas/a", "irmas/a", "irmas/b", "irmas/b", "openmic/c", "openmic/c"]
        assert labels["label"].tolist() == ["cel", "voi"] * 3
    assert read_clips(folders)["first_sample"].dtype.kind == "i"


def test_samples_are_found_whichever_corpus_keeps_them(folders: list[Path]):
    clips = read_clips(folders)
    for order in ([0, 1, 2], [2, 0], [1]):
        samples = open_samples(clips.iloc[order], folders)
        assert len(samples) == len(order)
        assert samples.clip_ids == tuple(clips["clip_id"].iloc[order])
        assert [note(samples.read(index)) for index in range(len(samples))] == [[700, 500, 900][row] for row in order]


def test_samples_are_not_copied(folders: list[Path]):
    samples = open_samples(read_clips(folders), folders)
    assert np.shares_memory(samples.read(0), samples.read(0))


def test_a_corpus_that_was_not_ingested_is_named(folders: list[Path], tmp_path: Path):
    clips = read_clips(folders)
    with pytest.raises(MissingTableError, match=r"own/clips\.csv is missing; run `dvc repro ingest`"):
        read_clips([*folders, tmp_path / "own"])
    with pytest.raises(MissingTableError, match=r"own/labels\.csv is missing; run `dvc repro ingest`"):
        read_labels([*folders, tmp_path / "own"])
    with pytest.raises(MissingSamplesError, match=r"own/samples holds no sample shards"):
        open_samples(clips, [*folders, tmp_path / "own"])


def test_damaged_samples_are_noticed_before_any_is_read(folders: list[Path]):
    clips, path = read_clips(folders), folders[0] / "samples" / "000.npy"
    data = bytearray(path.read_bytes())
    data[-100] ^= 4
    path.write_bytes(data)
    with pytest.raises(SamplesError, match=r"irmas/samples/000\.npy is damaged"):
        open_samples(clips, folders)
    others = open_samples(clips[clips["corpus"] == "openmic"], folders)
    assert note(others.read(0)) == 900


def test_some_of_the_samples_are_taken_in_the_order_asked_for(folders: list[Path]):
    samples = open_samples(read_clips(folders), folders)
    taken = samples.take(["openmic/c", "irmas/b"])
    assert taken.clip_ids == ("openmic/c", "irmas/b")
    assert [note(taken.read(index)) for index in range(len(taken))] == [900, 500]
    assert len(samples.take([])) == 0
    with pytest.raises(KeyError, match="esc50/x"):
        samples.take(["esc50/x"])


def split_of(**parts: str) -> pd.DataFrame:
    rows = [(clip_id.replace("_", "/"), part, "r") for clip_id, part in parts.items()]
    return pd.DataFrame(rows, columns=["clip_id", "split", "recording_id"])


def test_clips_are_chosen_by_their_split(folders: list[Path]):
    clips = read_clips(folders)
    split = split_of(openmic_c="test", irmas_a="validation", irmas_b="train")
    assert clips_of(clips, split, "train")["clip_id"].tolist() == ["irmas/b"]
    assert clips_of(clips[::-1], split, "test", "validation")["clip_id"].tolist() == ["irmas/a", "openmic/c"]
    assert len(clips_of(clips, split_of(openmic_c="test", irmas_a="test", irmas_b="test"), "train")) == 0


def test_a_clip_may_be_in_no_split(folders: list[Path]):
    split = split_of(irmas_a="train", irmas_b="test")
    assert clips_of(read_clips(folders), split, "train", "validation", "test")["clip_id"].tolist() == [
        "irmas/a",
        "irmas/b",
    ]


def test_a_split_of_other_clips_is_refused(folders: list[Path]):
    message = r"the split names clips that no corpus has \(1, first esc50/d\); run `dvc repro split`"
    with pytest.raises(TableError, match=message):
        clips_of(read_clips(folders), split_of(irmas_a="train", irmas_b="train", esc50_d="test"), "train")
