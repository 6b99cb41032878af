"""From decision values to probabilities: Platt's sigmoid, fitted on decisions about recordings that were held out.

Platt: Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 1999. His targets keep a
separable set from probabilities of 0 and 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray

Decide = Callable[[npt.NDArray[np.int_], npt.NDArray[np.int_]], FloatArray]
"""Trains on the rows of the first argument, and returns decision values of those of the second."""
FEWEST_FOLDS = 2


@dataclass(frozen=True)
class Sigmoid:
    """score = 1 / (1 + exp(-(slope · decision + offset)))."""

    slope: float
    offset: float


PLAIN = Sigmoid(1.0, 0.0)
"""Where too few recordings are at hand to hold any out."""


def label_folds(recordings: npt.NDArray[np.str_], targets: BoolArray, folds: int) -> npt.NDArray[np.int_]:
    """Return a fold for each row, so that positives and negatives are in every fold's complement; (rows,).

    Recordings with a positive row are dealt to the folds in turn, and then those without, in the order of their names.
    There are as many folds as the scarcer kind has recordings, at most `folds`; 0 throughout means that none can be held
    out.
    """
    names, index = np.unique(recordings, return_inverse=True)
    positive = np.zeros(len(names), dtype=np.bool_)
    np.logical_or.at(positive, index, targets)
    usable = min(folds, int(positive.sum()), int((~positive).sum()))
    if usable < FEWEST_FOLDS:
        return np.zeros(len(recordings), dtype=np.int_)
    fold = np.zeros(len(names), dtype=np.int_)
    for kind in (positive, ~positive):
        fold[kind] = np.arange(int(kind.sum())) % usable
    return fold[index]


def calibrate(
    targets: BoolArray, weights: FloatArray, recordings: npt.NDArray[np.str_], folds: int, decide: Decide
) -> Sigmoid:
    """Return the sigmoid that fits decisions about held-out recordings; PLAIN where none can be held out.

    Args:
        targets: (rows,).
        weights: (rows,).
        recordings: (rows,).
        folds: how many parts of the recordings are held out in turn, at most.
        decide: trains and decides.
    """
    fold = label_folds(recordings, targets, folds)
    if not fold.any():
        return PLAIN
    decisions = np.zeros(len(targets))
    for held_out in np.unique(fold):
        rest, mine = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        decisions[mine] = decide(rest, mine)
    return fit_sigmoid(decisions, targets, weights)


def fit_sigmoid(decisions: FloatArray, targets: BoolArray, weights: FloatArray) -> Sigmoid:
    """Return the sigmoid of highest likelihood for Platt's targets, by logistic regression.

    A row counts as positive and as negative at once, in the proportion of its target.
    """
    from sklearn.linear_model import LogisticRegression

    positives, negatives = float(weights[targets].sum()), float(weights[~targets].sum())
    wanted = np.where(targets, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    twice = np.concatenate([decisions, decisions])[:, None]
    truth = np.repeat([1, 0], len(decisions))
    shares = np.concatenate([weights * wanted, weights * (1 - wanted)])
    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(twice, truth, sample_weight=shares)
    return Sigmoid(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))
