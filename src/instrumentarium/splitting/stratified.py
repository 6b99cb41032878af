"""The stratified group split of recordings into parts of given sizes: the best of several local searches."""

from collections.abc import Sequence

import numpy as np

from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.splitting.distribution import balance_of_counts
from instrumentarium.splitting.proposal import stratified_parts
from instrumentarium.splitting.search import improved_parts
from instrumentarium.splitting.units import IntArray, Units

RUNS = 5
"""Searches from different proposals; five to eight seconds together for the 208 published IRMAS test songs."""
LD_SCALE, LPD_SCALE, GAP_SCALE, SIZE_SCALE = 0.001, 0.0038, 0.004, 0.01
"""About what the published IRMAS test songs admit when halved: what makes one unit of each measure's distance from 0."""
SONGS_SCALE = 0.2
"""Of the largest |share of a label's recordings in a part − share asked for|."""


def stratified_group_split(units: Units, shares: Sequence[float], seed: int, *, runs: int | None = None) -> IntArray:
    """Return (units,): the part each recording goes to; parts are alike in labels and have their shares of clips.

    Of several searches, the one counts whose worst measure is best, in units of the scales above. A function of its
    arguments alone, on any machine. Every part with a share gets a recording; where there are fewer
    recordings than such parts, the largest parts get one each.

    Args:
        units: the recordings.
        shares: the share of clips that each part should get; together 1. A part of share 0 gets none.
        seed: any whole number.
        runs: how many searches; RUNS where None.
    """
    wanted = [part for part in sorted(range(len(shares)), key=lambda part: (-shares[part], part)) if shares[part] > 0]
    if len(units) < len(wanted):
        return np.array(wanted[: len(units)], dtype=np.int64)
    wanted.sort()
    if len(wanted) == 1:
        return np.full(len(units), wanted[0], dtype=np.int64)
    used = [shares[part] for part in wanted]
    found = [_searched(units, used, derive_seed(seed, "sharing out", run)) for run in range(runs or RUNS)]
    best = min(found, key=lambda parts: _worst_measure(units, parts, used))
    return np.asarray(wanted, dtype=np.int64)[best]


def _searched(units: Units, shares: Sequence[float], seed: int) -> IntArray:
    proposed = _filled(stratified_parts(units.union(), shares, seed % 2**32), len(shares))
    return improved_parts(units, proposed, shares, np.random.default_rng(seed))


def _worst_measure(units: Units, parts: IntArray, shares: Sequence[float]) -> float:
    """Return the largest of the measures in units of their scales, rounded so that the order of sums does not count.

    One of them is of recordings: a label whose clips are even, but come from two songs here and from six there, is not.
    """
    found = balance_of_counts(units, parts, shares)
    held = units.union()
    recordings = held.sum(axis=0)  # (instruments,)
    songs = max(
        float(
            np.abs(held[parts == part].sum(axis=0) / np.maximum(recordings, 1) - share)[recordings > 0].max(initial=0)
        )
        for part, share in enumerate(shares)
    )
    measures = (
        max(found.ld) / LD_SCALE,
        max(found.lpd) / LPD_SCALE,
        found.prevalence_gap / GAP_SCALE,
        found.fold_size_gap / SIZE_SCALE,
        songs / SONGS_SCALE,
    )
    return round(max(measures), 6)


def _filled(parts: IntArray, count: int) -> IntArray:
    """Return `parts` with a recording of the fullest part in each of the `count` parts that had none."""
    parts = parts.copy()
    for part in range(count):
        if not (parts == part).any():
            fullest = np.bincount(parts, minlength=count).argmax()
            parts[np.flatnonzero(parts == fullest)[0]] = part
    return parts
