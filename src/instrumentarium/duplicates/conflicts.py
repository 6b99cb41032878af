"""Clips that sound alike while their labels disagree, and what becomes of such labels.

Two clips sound alike when a duplicate's overlap is nearly all of both. Clips that such pairs join, directly or through
others, are one group, and a label that is conflicting between any two clips of a group is treated alike in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import LabelArrays
from instrumentarium.duplicates.merging import connected
from instrumentarium.duplicates.params import Conflicting

ALIKE = 0.9
"""Of the longer clip's duration that the overlap must cover. What plays in a tenth of a clip may play there alone."""


@dataclass(frozen=True)
class ResolvedLabels:
    """Labels after the policy.

    Attributes:
        labels: columns clip_id, instrument, relevance.
        dropped: the clips that leave the collection, sorted; none but under the policy "drop".
    """

    labels: pd.DataFrame
    dropped: tuple[str, ...]


def are_alike(clips: pd.DataFrame, duplicates: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which pairs sound alike from end to end, (pairs,).

    Args:
        clips: columns clip_id, duration_s; every clip of the pairs.
        duplicates: columns clip_a, clip_b, overlap_s.
    """
    duration = clips.set_index("clip_id")["duration_s"]
    longer = np.maximum(duration[duplicates["clip_a"]].to_numpy(), duration[duplicates["clip_b"]].to_numpy())
    alike: npt.NDArray[np.bool_] = duplicates["overlap_s"].to_numpy(dtype=np.float64) >= ALIKE * longer
    return alike


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


def conflicting_labels(clips: pd.DataFrame, duplicates: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the codes that are conflicting in each clip's group; clips without a conflict have no entry.

    Args:
        clips: columns clip_id, duration_s.
        duplicates: columns clip_a, clip_b, overlap_s, conflict.
    """
    alike = duplicates[are_alike(clips, duplicates)]
    group_of = connected(zip(alike["clip_a"], alike["clip_b"], strict=True))
    conflicts: dict[str, set[str]] = {}
    for clip_id, codes in zip(alike["clip_a"], alike["conflict"], strict=True):
        if codes:
            conflicts.setdefault(group_of[clip_id], set()).update(codes.split("-"))
    return {clip_id: frozenset(conflicts[group]) for clip_id, group in sorted(group_of.items()) if group in conflicts}


def left_out(clips: pd.DataFrame, duplicates: pd.DataFrame, policy: Conflicting) -> tuple[str, ...]:
    """Return the clips that the policy takes out of the collection, sorted."""
    return tuple(conflicting_labels(clips, duplicates)) if policy == "drop" else ()


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
