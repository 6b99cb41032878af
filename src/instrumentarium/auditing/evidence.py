"""What speaks for and against a label beside its score: the clips that lie nearest, and the clips that sound the same."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.auditing.outoffold import unit_length
from instrumentarium.clips.duplicates import are_alike
from instrumentarium.clips.labels import FloatArray, LabelArrays

AT_ONCE = 1024
"""Clips whose similarities to all others are in memory at a time."""


def nearest_clips(
    rows: npt.NDArray[np.intp], embeddings: FloatArray, recordings: npt.NDArray[np.str_], count: int
) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return the nearest clips of other recordings for clips `rows`, and their cosines, (rows, count) both.

    Embeddings are standardised first. Where there are fewer, rows of −1 with cosine NaN fill up.

    Args:
        rows: of the clips to find neighbours of.
        embeddings: (clips, size), of all clips.
        recordings: (clips,).
        count: how many neighbours.
    """
    deviation = embeddings.std(axis=0)
    unit = unit_length((embeddings - embeddings.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf))
    found = np.full((len(rows), count), -1, dtype=np.intp)
    cosines = np.full((len(rows), count), np.nan)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        similarities = unit[some] @ unit.T
        similarities[recordings[some][:, None] == recordings] = -np.inf
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
        values = np.take_along_axis(similarities, order, axis=1)
        there = np.isfinite(values)
        found[start : start + AT_ONCE, : order.shape[1]] = np.where(there, order, -1)
        cosines[start : start + AT_ONCE, : order.shape[1]] = np.where(there, values, np.nan)
    return found, cosines


def count_labels(
    neighbours: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], known: LabelArrays
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each pair how many of its neighbours have the instrument and how many have not, (pairs,) both.

    Args:
        neighbours: (pairs, count), rows of clips, −1 for none.
        columns: (pairs,), the instrument asked about.
        known: the labels of all clips.
    """
    there = neighbours >= 0
    observed = known.observed[neighbours, columns[:, None]] & there
    present = known.targets[neighbours, columns[:, None]] & observed
    return present.sum(axis=1), (observed & ~present).sum(axis=1)


def duplicates_of(clips: pd.DataFrame, duplicates: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each clip with any the clips that sound the same from end to end.

    Args:
        clips: columns clip_id, duration_s.
        duplicates: columns clip_a, clip_b, overlap_s.
    """
    alike = duplicates[are_alike(clips, duplicates)]
    found: dict[str, list[str]] = {}
    for one, two in zip(alike["clip_a"], alike["clip_b"], strict=True):
        found.setdefault(one, []).append(two)
        found.setdefault(two, []).append(one)
    return found
