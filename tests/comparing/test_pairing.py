from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from comparing.simulated import Workspace

from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.pairing import Pair, pair_clips, recordings_of
from instrumentarium.comparing.sides import Side, read_sides


@pytest.fixture
def sides(workspace: Workspace) -> Callable[[], Side]:
    """Return a reader of the workspace as it is now."""
    return lambda: read_sides("workspace", "workspace", repository=Path(), split="test")[0]


def pair(a: Side, b: Side) -> Pair:
    return pair_clips(replace(a, name="old"), replace(b, name="new"), "test")


def rename(frame: pd.DataFrame, song: str, name: str) -> pd.DataFrame:
    return frame.assign(recording_id=frame["recording_id"].replace(f"irmas/{song}", name))


def without(frame: pd.DataFrame, clip_ids: set[str]) -> pd.DataFrame:
    return frame[~frame["clip_id"].isin(clip_ids)]


def test_equal_sides_are_compared_on_all_clips(sides: Callable[[], Side]) -> None:
    found = pair(sides(), sides())
    assert len(found.clip_ids) == 24
    assert (found.only_a, found.only_b) == (0, 0)
    assert recordings_of(found) == 8


def test_clips_that_one_side_lacks_are_left_out_and_counted(workspace: Workspace, sides: Callable[[], Side]) -> None:
    everything = sides()
    gone = {"irmas/song002-0", "irmas/song002-1", "irmas/song002-2", "irmas/song005-1"}
    for table in ("split.csv", "scores/model.csv"):
        workspace.edit(table, lambda frame: without(frame, gone))
    found = pair(everything, sides())
    assert (len(found.clip_ids), found.only_a, found.only_b) == (20, 4, 0)
    assert recordings_of(found) == 7
    assert not gone & set(found.clip_ids)
    np.testing.assert_array_equal(found.a.scored.scores, found.b.scored.scores)
    np.testing.assert_array_equal(found.a.predictions, found.b.predictions)
    back = pair(sides(), everything)
    assert (len(back.clip_ids), back.only_a, back.only_b) == (20, 0, 4)


def test_another_split_is_refused_with_counts(workspace: Workspace, sides: Callable[[], Side]) -> None:
    before = sides()
    moved = {"test": "validation", "validation": "test", "train": "train"}
    workspace.edit("split.csv", lambda frame: frame.assign(split=frame["split"].map(moved)))
    workspace.run(seed=1)
    message = (
        r"the splits differ: of the 8 test recordings of old, new has 8 in validation \(24 clips, first 'irmas/song"
    )
    with pytest.raises(ComparisonError, match=message):
        pair(before, sides())


def test_a_song_that_one_side_trained_on_is_refused(workspace: Workspace, sides: Callable[[], Side]) -> None:
    before = sides()
    song = {f"irmas/song002-{clip}" for clip in range(3)}
    workspace.edit("scores/model.csv", lambda frame: without(frame, song))
    workspace.edit(
        "split.csv", lambda frame: frame.assign(split=frame["split"].where(~frame["clip_id"].isin(song), "train"))
    )
    with pytest.raises(ComparisonError, match="of the 8 test recordings of old, new has 1 in train"):
        pair(before, sides())
    with pytest.raises(ComparisonError, match="of the 8 test recordings of new, old has 1 in train"):
        pair(sides(), before)


def test_labels_that_differ_are_refused_with_counts(workspace: Workspace, sides: Callable[[], Side]) -> None:
    before = sides()

    def flip(frame: pd.DataFrame) -> pd.DataFrame:
        mine = frame["clip_id"].isin({"irmas/song002-0", "irmas/song005-1"}) & (frame["instrument"] == "cel")
        return frame.assign(relevance=frame["relevance"].where(~mine, 1 - frame["relevance"]))

    workspace.edit("labels.csv", flip)
    with pytest.raises(
        ComparisonError, match="the labels of 2 of 24 clips differ between old and new, first 'irmas/song002-0'"
    ):
        pair(before, sides())


def test_recordings_that_differ_are_refused(workspace: Workspace, sides: Callable[[], Side]) -> None:
    before = sides()
    workspace.edit("split.csv", lambda frame: rename(frame, "song002", "irmas/song005"))
    with pytest.raises(ComparisonError, match="the recordings of 3 of 24 clips differ"):
        pair(before, sides())


def test_no_common_clip(workspace: Workspace, sides: Callable[[], Side]) -> None:
    here = sides()
    elsewhere = replace(
        here,
        clip_ids=tuple(f"other/{clip_id}" for clip_id in here.clip_ids),
        split=here.split.assign(
            clip_id="other/" + here.split["clip_id"], recording_id="other/" + here.split["recording_id"]
        ),
    )
    with pytest.raises(ComparisonError, match=r"no test clip in common \(24 and 24 clips\)"):
        pair(here, elsewhere)


def test_other_instruments_are_refused(sides: Callable[[], Side]) -> None:
    here = sides()
    scored = here.answers.scored
    fewer = replace(scored, codes=(*scored.codes[:-1], "banjo"))
    other = replace(here, answers=replace(here.answers, scored=fewer))
    message = "old and new have different instruments .*: only old has voi; only new has banjo; run both with the same"
    with pytest.raises(ComparisonError, match=message):
        pair(here, other)
