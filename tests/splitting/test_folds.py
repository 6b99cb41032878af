import numpy as np
import pandas as pd
import pytest
from splitting_fixtures import CODES, draw_collection, shuffled

from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.folds import folds

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
