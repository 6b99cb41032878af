"""Clips that sound alike while their labels disagree, and what becomes of such labels.

A label that is conflicting between any two clips of a group that sounds alike is treated alike in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from instrumentarium.clips.duplicates import are_alike, conflicting_labels, connected
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.params import Conflicting


@dataclass(frozen=True)
class ResolvedLabels:
    """Labels after the policy.

    Attributes:
        labels: columns clip_id, instrument, relevance.
        dropped: the clips that leave the collection, sorted; none but under the policy "drop".
    """

    labels: pd.DataFrame
    dropped: tuple[str, ...]


def find_conflicts(
    clips: pd.DataFrame, duplicates: pd.DataFrame, known: LabelArrays, codes: Sequence[str]
) -> list[str]:
    """Return for each pair the codes, joined by "-", that one clip has and the other has not; "" where they agree.

    Args:
        clips: columns clip_id, duration_s.
        duplicates: columns clip_a, clip_b, overlap_s.
        known: what is known of each clip of the pairs.
        codes: of the instruments, in the order of the arrays' columns.
    """
    one, two = (known.take([str(clip_id) for clip_id in duplicates[side]]) for side in ("clip_a", "clip_b"))
    conflicting = one.observed & two.observed & (one.targets != two.targets)  # (pairs, instruments)
    conflicting &= are_alike(clips, duplicates)[:, None]
    return [
        "-".join(code for code, is_conflicting in zip(codes, row, strict=True) if is_conflicting) for row in conflicting
    ]


def resolve_conflicts(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    duplicates: pd.DataFrame,
    known: LabelArrays,
    codes: Sequence[str],
    policy: Conflicting,
) -> ResolvedLabels:
    """Return the labels after the policy.

    "union": where a conflicting instrument is said to be absent it becomes as present as in the clip of the group that is
    surest. "unknown": it becomes unobserved, relevance 0.5. "drop": all clips of the group leave, with all their labels.
    Pairs that nobody observed stay so.

    Args:
        clips: columns clip_id, duration_s.
        labels: columns clip_id, instrument, relevance; one row a known pair.
        duplicates: columns clip_a, clip_b, overlap_s, conflict.
        known: what the labels say of each clip, with what a missing row means.
        codes: of the instruments, in the order of the arrays' columns.
        policy: what becomes of conflicting labels.
    """
    conflicts = conflicting_labels(clips, duplicates)
    if policy == "drop":
        kept = labels[~labels["clip_id"].isin(conflicts.keys())]
        return ResolvedLabels(kept.reset_index(drop=True), tuple(conflicts))
    stated = zip(labels["clip_id"], labels["instrument"], labels["relevance"], strict=True)
    relevance = {(str(clip_id), str(code)): float(value) for clip_id, code, value in stated}
    alike = duplicates[are_alike(clips, duplicates)]
    group_of = connected(zip(alike["clip_a"], alike["clip_b"], strict=True))
    surest: dict[tuple[str, str], float] = {}
    for clip_id, conflicting in conflicts.items():
        for code in conflicting:
            at = group_of[clip_id], code
            surest[at] = max(surest.get(at, 0.0), relevance.get((clip_id, code), 0.0))
    arrays = known.take(list(conflicts))
    for (clip_id, conflicting), targets, observed in zip(
        conflicts.items(), arrays.targets, arrays.observed, strict=True
    ):
        for column, code in enumerate(codes):
            if code in conflicting and observed[column]:
                if policy == "unknown":
                    relevance[clip_id, code] = 0.5
                elif not targets[column]:
                    relevance[clip_id, code] = surest[group_of[clip_id], code]
    rows = [(clip_id, code, value) for (clip_id, code), value in sorted(relevance.items())]
    return ResolvedLabels(pd.DataFrame(rows, columns=["clip_id", "instrument", "relevance"]), ())
