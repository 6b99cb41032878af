"""Overrides take the place of labels, win over the policy for conflicts, and what they change is counted."""

from pathlib import Path

import pandas as pd
import pytest

from instrumentarium.clips.labels import label_arrays
from instrumentarium.duplicates.overriding import (
    Overrides,
    describe_overrides,
    overrides_summary,
    select_overrides,
)
from instrumentarium.duplicates.resolving import resolve_duplicates
from instrumentarium.tables.overrides import Override, OverrideError, write_overrides
from taxonomies import IRMAS11

CLIPS = pd.DataFrame(
    {
        "clip_id": ["a", "b", "c"],
        "corpus": ["irmas", "irmas", "openmic"],
        "official_split": ["train", "train", "train"],
        "duration_s": [3.0, 3.0, 10.0],
    }
)
LABELS = pd.DataFrame(
    [("a", "cel", 1.0), ("b", "gac", 1.0), ("c", "pia", 0.9)], columns=["clip_id", "instrument", "relevance"]
)
SAME = pd.DataFrame([("a", "b", 3.0)], columns=["clip_a", "clip_b", "overlap_s"])
NO_PAIRS = SAME.iloc[:0]


def resolved(rows: list[Override], policy: str = "unknown", pairs: pd.DataFrame = NO_PAIRS):
    pairs, found = resolve_duplicates(
        CLIPS,
        LABELS,
        pairs,
        IRMAS11,
        irmas_train_absent="negative",
        policy=policy,  # type: ignore[arg-type]
        overrides=Overrides("mine.csv", rows),
    )
    known = label_arrays(CLIPS, found.labels, IRMAS11, irmas_train_absent="negative")
    state = lambda clip, code: (  # noqa: E731
        bool(known.observed[known.clip_ids.index(clip), IRMAS11.codes.index(code)]),
        bool(known.targets[known.clip_ids.index(clip), IRMAS11.codes.index(code)]),
    )
    return pairs, found, state


def test_a_label_is_replaced_added_and_made_unknown():
    _, found, state = resolved([Override("a", "cel", 0.0), Override("a", "sax", 1.0), Override("c", "pia", None)])
    assert state("a", "cel") == (True, False)
    assert state("a", "sax") == (True, True)
    assert state("c", "pia") == (False, False)
    assert state("b", "gac") == (True, True)
    assert list(found.labels["clip_id"]) == sorted(found.labels["clip_id"])


def test_an_implied_absence_of_irmas_can_be_made_unknown():
    # without a row it would be absent, so a row that says nobody knows must stand there
    assert resolved([])[2]("a", "flu") == (True, False)
    assert resolved([Override("a", "flu", None)])[2]("a", "flu") == (False, False)


def test_no_overrides_leave_labels_as_they_are():
    pd.testing.assert_frame_equal(resolved([])[1].labels, LABELS, check_dtype=False)


def test_what_is_put_right_no_longer_conflicts():
    pairs, _, state = resolved([], pairs=SAME)
    assert pairs["conflict"].tolist() == ["cel-gac"]
    assert state("a", "cel") == (False, False)
    pairs, _, state = resolved([Override("b", "gac", 0.0), Override("b", "cel", 1.0)], pairs=SAME)
    assert pairs["conflict"].tolist() == [""]
    assert state("a", "cel") == state("b", "cel") == (True, True)


def test_an_override_stands_whatever_becomes_of_the_conflict():
    confirmed = [Override("a", "cel", 1.0)]
    _, _, state = resolved(confirmed, "unknown", SAME)
    assert state("a", "cel") == (True, True)
    assert state("b", "cel") == (False, False)
    _, _, state = resolved([Override("a", "gac", 0.0)], "union", SAME)
    assert state("a", "gac") == (True, False)


def test_a_clip_that_left_the_collection_does_not_come_back():
    _, found, _ = resolved([Override("a", "cel", 1.0), Override("a", "sax", 1.0)], "drop", SAME)
    assert found.dropped == ("a", "b")
    assert set(found.labels["clip_id"]) == {"c"}


def test_what_changes_is_counted():
    rows = [
        Override("a", "cel", 0.0, "me"),  # was present
        Override("a", "sax", 1.0, "me"),  # was absent by implication
        Override("b", "gac", 0.8, "me"),  # was present and stays so
        Override("c", "cel", None, "guitars"),  # was unknown
        Override("c", "gac", 0.1, "guitars"),  # was unknown
        Override("c", "pia", None, "guitars"),  # was present
    ]
    before = label_arrays(CLIPS, LABELS, IRMAS11, irmas_train_absent="negative")
    found = describe_overrides(Overrides("mine.csv", rows), before, IRMAS11.codes)
    none = {"to_present": 0, "to_absent": 0, "to_unknown": 0, "unchanged": 0}
    assert found == {
        "file": "mine.csv",
        "pairs": 6,
        "clips": 3,
        "to_present": 1,
        "to_absent": 2,
        "to_unknown": 1,
        "unchanged": 2,
        "by_instrument": {
            "cel": {**none, "to_absent": 1, "unchanged": 1},
            "gac": {**none, "to_absent": 1, "unchanged": 1},
            "pia": {**none, "to_unknown": 1},
            "sax": {**none, "to_present": 1},
        },
        "by_source": {"guitars": 3, "me": 3},
    }
    assert overrides_summary(found) == (
        "overrides mine.csv: 6 labels of 3 clips (1 to present, 2 to absent, 1 to unknown, 2 unchanged)"
    )


def test_the_file_is_read_and_held_against_clips_and_instruments(tmp_path: Path):
    assert select_overrides(None, tmp_path, ["a"], IRMAS11.codes) == Overrides()
    write_overrides(tmp_path / "mine.csv", [Override("a", "cel", 1.0)])
    assert select_overrides("mine.csv", tmp_path, ["a"], IRMAS11.codes).rows == (Override("a", "cel", 1.0),)
    with pytest.raises(OverrideError, match="line 2: no corpus in use has the clip 'a'"):
        select_overrides("mine.csv", tmp_path, ["b"], IRMAS11.codes)
    with pytest.raises(OverrideError, match=r"holds mine.csv; put the file there"):
        select_overrides("yours.csv", tmp_path, ["a"], IRMAS11.codes)
