from pathlib import Path

import pandas as pd
import pytest
from splitting_fixtures import (
    CODES,
    HALVES,
    NO_DUPLICATES,
    PARAMS,
    clips_of,
    draw_collection,
    labels_of,
    shuffled,
    without_duplicates,
)

from instrumentarium.clips.duplicates import merged_recordings
from instrumentarium.splitting.assignment import assigned_splits
from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.params import SplitParams, SplitShares
from instrumentarium.tables.schemas import SPLIT

pytestmark = pytest.mark.usefixtures("short_search")
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.statistical) for seed in (1, 2))]


def assign(clips: pd.DataFrame, labels: pd.DataFrame, params: SplitParams = PARAMS, seed: int = 0) -> pd.DataFrame:
    return assigned_splits(clips, labels, merged_recordings(clips, NO_DUPLICATES), params, seed, CODES)


def parts(clips: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    return clips.merge(split.rename(columns={"recording_id": "merged"}), on="clip_id")


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_a_recording_nor_its_duplicate_straddles(seed: int):
    clips, labels = draw_collection(seed)
    table = parts(clips, assign(clips, labels, seed=seed))
    assert len(table) == len(clips)
    for key in ("merged", "recording_id", "pcm_hash"):
        assert (table.groupby(key)["split"].nunique() == 1).all()
        assert (table.groupby(key)["merged"].nunique() == 1).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_does_not_matter_and_the_seed_does(tmp_path: Path, seed: int):
    clips, labels = draw_collection(seed)
    SPLIT.write(tmp_path / "one.csv", assign(clips, labels, seed=seed))
    SPLIT.write(tmp_path / "two.csv", assign(shuffled(clips, 1), shuffled(labels, 2), seed=seed))
    SPLIT.write(tmp_path / "other.csv", assign(clips, labels, seed=seed + 1))
    one, two, other = ((tmp_path / f"{name}.csv").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other


def test_every_corpus_goes_by_its_own_rule():
    clips, labels = draw_collection(0)
    clips = without_duplicates(clips)
    table = parts(clips, assign(clips, labels))
    table["where"] = table["corpus"] + " " + table["official_split"]
    shares = pd.crosstab(table["where"], table["split"], normalize="index")
    for where in ("irmas train", "esc50 fold1", "esc50 fold2", "esc50 fold3", "own train"):
        assert shares["train"][where] == 1
    for where in ("esc50 fold4", "own validation"):
        assert shares["validation"][where] == 1
    for where in ("esc50 fold5", "openmic test", "own test"):
        assert shares["test"][where] == 1
    assert shares["train"]["irmas test"] == shares["test"]["openmic train"] == 0
    assert shares["validation"]["irmas test"] == pytest.approx(0.5, abs=0.01)
    assert shares["validation"]["openmic train"] == pytest.approx(0.2, abs=0.03)
    for split, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        assert shares[split]["own "] == pytest.approx(share, abs=0.15)  # of 12 recordings


@pytest.mark.parametrize("wanted", [(0.5, 0.25, 0.25), (0.0, 0.2, 0.8), (0.7, 0.3, 0.0)])
def test_the_test_songs_go_to_any_split_in_any_proportion(wanted: tuple[float, float, float]):
    clips, labels = draw_collection(0)
    clips = without_duplicates(clips)
    shares = SplitShares(train=wanted[0], validation=wanted[1], test=wanted[2])
    table = parts(clips, assign(clips, labels, PARAMS.model_copy(update={"irmas_test_songs": shares})))
    songs = table[(table["corpus"] == "irmas") & (table["official_split"] == "test")]
    found = songs["split"].value_counts(normalize=True)
    for split, share in zip(("train", "validation", "test"), wanted, strict=True):
        assert found.get(split, 0) == pytest.approx(share, abs=0.015 if share else 0)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_the_validation_fold_of_esc50_is_a_parameter(fold: int):
    clips, labels = draw_collection(0)
    clips = without_duplicates(clips[clips["corpus"].isin(["irmas", "esc50"])])
    table = parts(clips, assign(clips, labels, PARAMS.model_copy(update={"esc50_validation_fold": fold})))
    negatives = table[table["corpus"] == "esc50"]
    assert set(negatives[negatives["split"] == "validation"]["official_split"]) == {f"fold{fold}"}
    assert set(negatives[negatives["split"] == "test"]["official_split"]) == {"fold5"}


def test_a_corpus_keeps_its_parts_whatever_other_corpora_do():
    clips, labels = draw_collection(0)
    clips = without_duplicates(clips)
    other = PARAMS.model_copy(update={"openmic_validation_share": 0.4, "own": HALVES, "esc50_validation_fold": 1})
    one, two = parts(clips, assign(clips, labels)), parts(clips, assign(clips, labels, other))
    for corpus in ("irmas", "openmic"):
        equal = (one["split"] == two["split"])[one["corpus"] == corpus].all()
        assert equal == (corpus == "irmas")
    without = parts(clips, assign(clips[clips["corpus"] != "openmic"], labels))
    kept = one[one["corpus"] == "irmas"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, without[without["corpus"] == "irmas"].reset_index(drop=True))


def test_a_duplicate_across_splits_goes_to_the_more_guarded_one():
    clips = clips_of(
        ("irmas/a", "irmas/train-1", "train", "x"),
        ("irmas/b", "irmas/train-1", "train", "y"),
        ("irmas/c", "irmas/train-2", "train", "z"),
        ("openmic/d", "openmic/1", "test", "y"),
        ("esc50/e", "esc50/1", "fold4", "w"),
        ("esc50/f", "esc50/2", "fold1", "w"),
    )
    split = assign(clips, labels_of(("irmas/a", "cel", 1.0))).set_index("clip_id")
    assert split["split"].to_dict() == {
        **dict.fromkeys(["irmas/a", "irmas/b", "openmic/d"], "test"),
        **dict.fromkeys(["esc50/e", "esc50/f"], "validation"),
        "irmas/c": "train",
    }
    assert split["recording_id"]["openmic/d"] == split["recording_id"]["irmas/a"] == "irmas/train-1"


@pytest.mark.parametrize(
    ("held", "expected"), [("test", "test"), ("validation", "validation"), ("train", {"validation", "test"})]
)
def test_what_is_split_by_labels_follows_a_copy_in_a_guarded_split(held: str, expected: str | set[str]):
    songs = [(f"irmas/{number}", f"irmas/test-{number}", "test", f"{number}") for number in range(8)]
    clips = clips_of(*songs, ("own/copy", "own/copy", held, "3"), ("own/other", "own/other", "train", "o"))
    split = assign(clips, labels_of(*((name, "cel", 1.0) for name, *_ in songs))).set_index("clip_id")["split"]
    assert split["irmas/3"] == split["own/copy"]
    assert split["irmas/3"] in ({expected} if isinstance(expected, str) else expected)


def test_clips_of_your_own_that_state_no_split_follow_their_recording():
    songs = [(f"irmas/{number}", f"irmas/test-{number}", "test", f"{number}") for number in range(8)]
    clips = clips_of(
        *songs,
        ("irmas/t", "irmas/t", "train", "t"),
        ("own/1a", "own/1", "test", "1a"),
        ("own/1b", "own/1", "", "1b"),
        ("own/2a", "own/2", "validation", "2a"),
        ("own/2b", "own/2", "", "2b"),
        ("own/3a", "own/3", "train", "3a"),
        ("own/3b", "own/3", "", "3b"),
    )
    for seed in range(5):
        split = assign(clips, labels_of(), seed=seed).set_index("clip_id")["split"]
        assert [split[f"own/{name}"] for name in ("1a", "1b", "2a", "2b", "3a", "3b")] == [
            *("test", "test", "validation", "validation", "train", "train")
        ]


def test_a_recording_of_your_own_with_two_stated_splits_is_refused():
    clips, labels = draw_collection(0)
    torn = clips_of(("own/x1", "own/x", "train", "x1"), ("own/x2", "own/x", "test", "x2"))
    with pytest.raises(
        SplitError, match=r"state different splits in 1 recordings of your own: 'own/x'; state one split"
    ):
        assign(pd.concat([clips, torn], ignore_index=True), labels)


def test_an_unknown_corpus_or_official_split_is_refused():
    clips, labels = draw_collection(0)
    with pytest.raises(
        SplitError, match=r"no rule says how clips of corpus 'humming' are split; rules exist for irmas"
    ):
        assign(clips.assign(corpus="humming"), labels)
    odd = clips_of(("irmas/odd", "irmas/odd", "fold1", "odd"))
    with pytest.raises(
        SplitError,
        match=r"1 clips of irmas have an official split other than 'test', 'train': 'irmas/odd' \(first 'fold1'\)",
    ):
        assign(pd.concat([clips, odd], ignore_index=True), labels)


def test_a_split_without_clips_is_refused():
    clips, labels = draw_collection(0)
    only = clips[clips["corpus"] == "openmic"]
    without = PARAMS.model_copy(update={"openmic_validation_share": 0.0})
    with pytest.raises(
        SplitError, match=r"no clip is left for validation among 50 clips of openmic; switch a corpus on"
    ):
        assign(only, labels, without)
    with pytest.raises(SplitError, match="no clip is left for test, train, validation among 0 clips"):
        assign(clips[:0], labels)


@pytest.mark.parametrize("left_out", ["irmas", "openmic", "esc50", "own"])
def test_a_corpus_can_be_left_out(left_out: str):
    clips, labels = draw_collection(0)
    assert set(assign(clips[clips["corpus"] != left_out], labels)["split"]) == {"train", "validation", "test"}
