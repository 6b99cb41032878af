"""What the table of duplicates says of clips: which sound alike, which recordings it joins, which labels conflict.

Two clips sound alike when a duplicate's overlap is nearly all of both. Clips that such pairs join, directly or through
others, are one group.
"""

import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.params import Conflicting

ALIKE = 0.9
"""Of the longer clip's duration that the overlap must cover. What plays in a tenth of a clip may play there alone."""


def connected(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return, for every name in a pair, the first name in alphabetical order of all that pairs connect it with."""
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while first[name] != name:
            first[name] = first[first[name]]
            name = first[name]
        return name

    for one, two in pairs:
        first.setdefault(one, one)
        first.setdefault(two, two)
        low, high = sorted((root(one), root(two)))
        first[high] = low
    return {name: root(name) for name in first}


def merged_recordings(clips: pd.DataFrame, duplicates: pd.DataFrame) -> pd.Series:
    """Return for each clip the id of its recording, where recordings that share sound have become one.

    They share sound where two of their clips stand in one row of `duplicates`, or have equal samples, whatever the rows
    say. The merged recording has the first of the ids, in alphabetical order. The result is indexed as `clips` is.

    Args:
        clips: columns clip_id, recording_id, pcm_hash.
        duplicates: columns clip_a, clip_b; pairs with a clip that is not among `clips` join nothing.
    """
    recording = dict(zip(clips["clip_id"], clips["recording_id"], strict=True))
    found = zip(duplicates["clip_a"].map(recording), duplicates["clip_b"].map(recording), strict=True)
    pairs = [(one, two) for one, two in found if isinstance(one, str) and isinstance(two, str)]
    for _, alike in clips.groupby("pcm_hash")["recording_id"]:
        pairs += itertools.pairwise(alike)
    merged = connected(pairs)
    return clips["recording_id"].map(lambda recording_id: merged.get(recording_id, recording_id))


def pairs_among(clips: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of which both clips are among `clips`, as they are once clips have left the collection.

    Args:
        clips: column clip_id.
        duplicates: columns clip_a, clip_b.
    """
    there = duplicates["clip_a"].isin(clips["clip_id"]) & duplicates["clip_b"].isin(clips["clip_id"])
    return duplicates[there].reset_index(drop=True)


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
