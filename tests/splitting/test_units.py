import itertools

import numpy as np
import pandas as pd
from splitting_fixtures import CODES, clips_of, draw_collection, labels_of, shuffled

from instrumentarium.splitting.units import occurring_pairs, positive_labels, recording_units

CLIPS = clips_of(("1", "b", "", ""), ("2", "a", "", ""), ("3", "b", "", ""), ("4", "b", "", ""))
LABELS = labels_of(
    ("1", "cel", 1.0), ("1", "cla", 0.6), ("3", "cel", 0.9), ("2", "voi", 0.5), ("2", "vio", 0.51), ("4", "pia", 0.0)
)


def test_a_recording_has_the_union_and_the_counts_of_its_clips_labels():
    units = recording_units(CLIPS, LABELS, CLIPS["recording_id"], CODES)
    assert units.names == ("a", "b")
    assert len(units) == 2
    assert units.clips.tolist() == [1, 3]
    names = [[code for code, held in zip(CODES, row, strict=True) if held] for row in units.union()]
    assert names == [["vio"], ["cel", "cla"]]
    assert units.positives[1, :2].tolist() == [2, 1]
    assert units.pairs.tolist() == [[0], [1]]


def test_only_a_relevance_above_one_half_counts_and_unobserved_pairs_never_do():
    positives = positive_labels(CLIPS, LABELS, CODES)
    assert positives.sum() == 4
    assert not positives[1, CODES.index("voi")]  # 0.5 says nothing
    assert not positives[3].any()  # 0.0 is known to be absent; all else of this clip is unobserved
    other = pd.concat([LABELS, labels_of(("of another corpus", "cel", 1.0))])
    np.testing.assert_array_equal(positive_labels(CLIPS, other, CODES), positives)


def test_pairs_are_those_that_a_loop_finds():
    positives = np.random.default_rng(0).random((60, 11)) < 0.15
    columns = []
    for i, j in itertools.combinations(range(11), 2):
        both = [bool(row[i] and row[j]) for row in positives]
        if any(both):
            columns.append(both)
    assert 10 < len(columns) < 55
    np.testing.assert_array_equal(occurring_pairs(positives), np.array(columns).T)


def test_the_order_of_rows_does_not_matter():
    clips, labels = draw_collection(0)
    one = recording_units(clips, labels, clips["recording_id"], CODES)
    mixed = shuffled(clips, 1)
    two = recording_units(mixed, shuffled(labels, 2), mixed["recording_id"], CODES)
    assert one.names == two.names
    for name in ("clips", "positives", "pairs"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_recordings_are_matched_by_index_not_by_position():
    units = recording_units(CLIPS, LABELS, CLIPS["recording_id"].iloc[::-1], CODES)
    assert units.clips.tolist() == [1, 3]
