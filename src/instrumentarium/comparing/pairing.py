"""The clips on which two systems can be compared: those that both have in the split, with the same truth.

Only what both sides were evaluated on counts, and only if it is unseen by both. A corpus that one side left out is left out
of the comparison, and said so; where the sides disagree on a recording, nothing can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import BoolArray
from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.sides import Side
from instrumentarium.evaluation.significance import Answers


@dataclass(frozen=True)
class Pair:
    """Two systems' answers to the same clips.

    Attributes:
        clip_ids: (clips,), sorted.
        a: the first side's answers.
        b: the second's.
        only_a: how many clips of the split only the first side has.
        only_b: how many only the second has.
    """

    clip_ids: tuple[str, ...]
    a: Answers
    b: Answers
    only_a: int
    only_b: int


def pair_clips(a: Side, b: Side, split: str) -> Pair:
    """Return the answers of both sides to the clips that both have in `split`.

    Raises:
        ComparisonError: if the sides know different instruments, a recording of the split on one side is in another split
            on the other, or they have no clip in common, or group or label common clips differently.
    """
    _check_same_instruments(a, b)
    for one, other in ((a, b), (b, a)):
        _check_same_split(one, other, split)
    common = sorted(set(a.clip_ids) & set(b.clip_ids))
    if not common:
        raise ComparisonError(
            f"{a.name} and {b.name} have no {split} clip in common ({len(a.clip_ids)} and {len(b.clip_ids)} clips); "
            "compare sides that were evaluated on the same collection"
        )
    mine, others = answers_to(a, common), answers_to(b, common)
    pair = Pair(
        clip_ids=tuple(common),
        a=mine,
        b=others,
        only_a=len(a.clip_ids) - len(common),
        only_b=len(b.clip_ids) - len(common),
    )
    _check_same_truth(a, b, pair)
    return pair


def common_clips(sides: Sequence[Side], split: str) -> list[str]:
    """Return the clips of `split` that all sides have, sorted.

    Raises:
        ComparisonError: if the first and another one cannot be compared (see `pair_clips`), or there is no such clip.
    """
    first, *others = sides
    common = set(first.clip_ids)
    for other in others:
        common &= set(pair_clips(first, other, split).clip_ids)
    if not common:
        raise ComparisonError(f"{', '.join(side.name for side in sides)} have no {split} clip in common")
    return sorted(common)


def answers_to(side: Side, clip_ids: list[str]) -> Answers:
    """Return the answers of a side to these clips, which it has."""
    rows: BoolArray = np.isin(np.array(side.clip_ids), np.array(clip_ids))
    return Answers(side.answers.scored.where(rows), side.answers.predictions[rows])


def _check_same_instruments(a: Side, b: Side) -> None:
    ours, theirs = a.answers.scored.codes, b.answers.scored.codes
    if ours != theirs:
        differing = [
            f"only {side.name} has {', '.join(only)}"
            for side, only in ((a, sorted(set(ours) - set(theirs))), (b, sorted(set(theirs) - set(ours))))
            if only
        ]
        raise ComparisonError(
            f"{a.name} and {b.name} have different instruments ({len(ours)} and {len(theirs)}): "
            f"{'; '.join(differing) or 'the same in another order'}; run both with the same `taxonomy`"
        )


def _check_same_split(one: Side, other: Side, split: str) -> None:
    recordings = one.split["recording_id"][one.split["split"] == split].unique()
    clips = one.split["clip_id"][one.split["split"] == split]
    elsewhere = other.split[other.split["split"] != split]
    # by clip as well: merging duplicates may have named a recording differently
    moved = elsewhere[elsewhere["recording_id"].isin(recordings) | elsewhere["clip_id"].isin(clips)]
    if len(moved):
        counts = moved.groupby("split")["recording_id"].nunique()
        where = " and ".join(f"{count} in {name}" for name, count in counts.items())
        raise ComparisonError(
            f"the splits differ: of the {len(recordings)} {split} recordings of {one.name}, {other.name} has {where} "
            f"({len(moved)} clips, first {moved['clip_id'].iloc[0]!r}), so what evaluates one has made the other; "
            "run both with the same split (the same seed, `split` parameters and corpora)"
        )


def _check_same_truth(a: Side, b: Side, pair: Pair) -> None:
    first, second = pair.a.scored, pair.b.scored
    total = len(pair.clip_ids)
    for what, differs in {
        "recordings": first.recordings != second.recordings,
        "labels": ((first.targets != second.targets) | (first.observed != second.observed)).any(axis=1),
    }.items():
        if differs.any():
            raise ComparisonError(
                f"the {what} of {int(differs.sum())} of {total} clips differ between {a.name} and {b.name}, first "
                f"{pair.clip_ids[int(differs.argmax())]!r}; a metric of one would not mean what it means of the other: "
                "evaluate both by the same tables (pass one side's table of scores to evaluate it by the workspace's)"
            )


def recordings_of(pair: Pair) -> int:
    """Return how many recordings the common clips come from."""
    return int(pd.Series(pair.a.scored.recordings).nunique())
