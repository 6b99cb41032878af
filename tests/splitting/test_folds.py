import numpy as np
import pandas as pd
import pytest
from splitting_fixtures import CODES, NO_DUPLICATES, PARAMS, draw_collection, levels, shuffled, without_duplicates

from instrumentarium.splitting.assignment import assigned_splits
from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.folds import folds
from instrumentarium.splitting.params import FOLDS, SplitShares
from instrumentarium.splitting.split import split_clips

pytestmark = pytest.mark.usefixtures("short_search")


def songs_of(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    clips, labels = draw_collection(seed)
    return clips[clips["recording_id"].str.startswith("irmas/test")], labels


@pytest.mark.parametrize("k", [2, 3, 5])
def test_folds_hold_whole_recordings_and_like_numbers_of_clips(k: int):
    clips, labels = songs_of(0)
    found = folds(clips, labels, clips["recording_id"], CODES, k, 0)
    assert found.index.equals(clips.index)
    assert set(found) == set(range(k))
    assert (found.groupby(clips["recording_id"]).nunique() == 1).all()
    assert np.bincount(found).max() - np.bincount(found).min() <= 0.06 * len(clips) / k + 1


def test_folds_repeat_whatever_the_order_and_differ_by_seed():
    clips, labels = songs_of(1)
    found = folds(clips, labels, clips["recording_id"], CODES, 4, 7)
    mixed = clips.sample(frac=1, random_state=0)
    again = folds(mixed, shuffled(labels, 3), clips["recording_id"], CODES, 4, 7)
    pd.testing.assert_series_equal(found, again.sort_index())
    assert not found.equals(folds(clips, labels, clips["recording_id"], CODES, 4, 8))


@pytest.mark.parametrize("k", [-1, 0, 1])
def test_fewer_than_two_folds_are_refused(k: int):
    clips, labels = songs_of(0)
    with pytest.raises(SplitError, match=f"k is {k}; cross-validation needs at least 2 folds"):
        folds(clips, labels, clips["recording_id"], CODES, k, 0)


def test_more_folds_than_recordings_are_refused():
    clips, labels = songs_of(0)
    with pytest.raises(SplitError, match="60 recordings cannot fill 61 folds"):
        folds(clips, labels, clips["recording_id"], CODES, 61, 0)
    assert folds(clips, labels, clips["recording_id"], CODES, 60, 0).nunique() == 60


def splits_by_fold(seed: int, **changes: object) -> list[pd.DataFrame]:
    clips, labels = draw_collection(seed)
    return [
        assigned_splits(
            clips, labels, clips["recording_id"], PARAMS.model_copy(update={"fold": fold, **changes}), 0, CODES
        )
        for fold in (None, *range(FOLDS))
    ]


def test_each_fold_validates_recordings_outside_test_and_all_of_them_do_once():
    plain, *found = splits_by_fold(2)
    test = set(plain["clip_id"][plain["split"] == "test"])
    validated = pd.concat([split[split["split"] == "validation"] for split in found])
    assert len(found) == 5
    assert set(validated["clip_id"]) == set(plain["clip_id"]) - test
    assert not validated["clip_id"].duplicated().any()
    for split in found:
        assert set(split["clip_id"][split["split"] == "test"]) == test
        assert split["clip_id"].tolist() == plain["clip_id"].tolist()
        assert (split.groupby("recording_id")["split"].nunique() == 1).all()
        assert set(split["split"]) == {"train", "validation", "test"}


def test_folds_are_alike_in_corpora():
    clips, _ = draw_collection(2)
    for split in splits_by_fold(2)[1:]:
        free = split[split["split"] != "test"].merge(clips[["clip_id", "corpus"]], on="clip_id")
        for corpus, mine in free.groupby("corpus"):
            assert (mine["split"] == "validation").mean() == pytest.approx(0.2, abs=0.08), corpus


def test_a_fold_needs_no_other_validation():
    songs = SplitShares(train=0.0, validation=0.0, test=1.0)
    plain, *found = (split.set_index("clip_id")["split"] for split in splits_by_fold(3, irmas_test_songs=songs))
    irmas = plain.index[plain.index.str.startswith("irmas/test")]
    for split in found:
        assert (split[irmas] == "test").all()
        assert (split == "validation").any()


def test_a_fold_of_a_whole_split_is_described(tmp_path):
    clips, labels = draw_collection(4)
    clips = without_duplicates(clips)
    params = PARAMS.model_copy(update={"fold": 1})
    split = split_clips(clips, labels, NO_DUPLICATES, params, 0, tmp_path, CODES, levels)
    assert set(split.metrics["stratified"]) == {"folds"}
    pool = split.metrics["stratified"]["folds"]
    assert pool["validation"]["clips"] == split.metrics["validation"]["clips"]
    assert pool["fold_size_gap"] < 0.1
    frozen = split.table[["clip_id", "split"]]
    frozen.to_csv(tmp_path / "mine.csv", index=False)
    taken = params.model_copy(update={"frozen": "mine.csv"})
    again = split_clips(clips, labels, NO_DUPLICATES, taken, 0, tmp_path, CODES, levels)
    pd.testing.assert_frame_equal(again.table, split.table)
