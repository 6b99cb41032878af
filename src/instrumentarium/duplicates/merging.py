"""What duplicates join: recordings into one, so that no sound lies on two sides of a split."""

import itertools
from collections.abc import Iterable

import pandas as pd


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
