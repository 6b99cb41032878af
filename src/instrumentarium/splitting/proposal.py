"""A first split of recordings: iterative stratification as scikit-multilearn implements it.

Sechidis, Tsoumakas, Vlahavas: On the stratification of multi-label data, ECML PKDD 2011. It counts recordings, not clips,
and takes one greedy pass, so that what it proposes is a place to search from.
"""

from collections.abc import Sequence

import numpy as np

from instrumentarium.splitting.units import BoolArray, IntArray


def stratified_parts(labels: BoolArray, shares: Sequence[float], seed: int) -> IntArray:
    """Return (units,): the part each unit goes to, labels balanced.

    scikit-multilearn draws from NumPy's global generator only, so that is seeded here and put back after.

    Args:
        labels: (units, instruments), at least as many units as parts.
        shares: the share of units that each part should get, at least two; above 0, together 1.
        seed: of the order in which units are handed over, and of the draws that break ties; below 2**32.
    """
    from skmultilearn.model_selection import IterativeStratification

    order = np.random.default_rng(seed).permutation(len(labels))
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(seed)  # noqa: NPY002
        # random_state= raises, and so does the default of equal parts where none is given
        stratification = IterativeStratification(len(shares), order=1, sample_distribution_per_fold=list(shares))
        folds = [fold for _, fold in stratification.split(np.zeros((len(labels), 1)), labels[order].astype(np.int64))]
    finally:
        np.random.set_state(state)  # noqa: NPY002
    parts = np.empty(len(labels), dtype=np.int64)
    for number, fold in enumerate(folds):
        parts[order[fold]] = number
    return parts
