"""Do scores mean what they say: of the pairs scored 0.7, do seven in ten hold the instrument?

The expected calibration error (ECE) is computed over 15 bins of equal width: the gap between mean score and share of
positives in each bin, weighed by the bin's pairs. A temperature divides the logits of all scores; it is chosen on
validation, changes no ranking, and shows how much of the error is mere over- or underconfidence.

Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, ICML 2017.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.checks import check_scores, mean_of_defined

BINS = 15
CLOSEST = 1e-6
"""Scores are kept this far from 0 and 1 before their logit is taken."""
TEMPERATURES = (0.05, 20.0)


def bins_of(scores: FloatArray, bins: int = BINS) -> npt.NDArray[np.int64]:
    """Return the bin of equal width in which each score lies; 1 lies in the last."""
    return np.minimum((scores * bins).astype(np.int64), bins - 1)


def reliability(targets: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean score, share of positives and count of each bin, each (`BINS`,); NaN, NaN, 0 for an empty bin.

    Args:
        targets: (pairs,), observed ones only.
        scores: (pairs,), probabilities.
    """
    place = bins_of(scores)
    count = np.bincount(place, minlength=BINS).astype(np.float64)
    divisor = np.where(count > 0, count, np.nan)
    mean_score = np.bincount(place, weights=scores, minlength=BINS) / divisor
    share = np.bincount(place, weights=targets.astype(np.float64), minlength=BINS) / divisor
    return mean_score, share, count


def ece_per_instrument(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the expected calibration error of each instrument over its observed clips, in [0, 1]; NaN without any."""
    check_scores(targets, scores, observed)
    errors = np.full(targets.shape[1], np.nan)
    for column, seen in enumerate(observed.T):
        if seen.any():
            mean_score, share, count = reliability(targets[seen, column], scores[seen, column])
            errors[column] = np.nansum(np.abs(mean_score - share) * count) / count.sum()
    return errors


def ece_mean(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean over instruments of the expected calibration error; NaN where nothing is observed."""
    return mean_of_defined(ece_per_instrument(targets, scores, observed))


def brier_per_instrument(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the mean squared error of each instrument's scores over its observed clips; NaN without any."""
    check_scores(targets, scores, observed)
    count = observed.sum(axis=0).astype(np.float64)
    return np.asarray((np.square(scores - targets) * observed).sum(axis=0) / np.where(count > 0, count, np.nan))


def nll(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean negative log likelihood of the observed pairs, in nats; NaN where nothing is observed."""
    check_scores(targets, scores, observed)
    kept = np.clip(scores, CLOSEST, 1 - CLOSEST)
    return mean_of_defined(-np.log(np.where(targets, kept, 1 - kept))[observed])


def scaled(scores: FloatArray, temperature: float | FloatArray) -> FloatArray:
    """Return the scores after their logits were divided by `temperature`: above 1 they move toward one half.

    The temperature is one for all, or (clips, 1).
    """
    return np.asarray(expit(logit(np.clip(scores, CLOSEST, 1 - CLOSEST)) / temperature))


def fit_temperature(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the temperature of least negative log likelihood, between 0.05 and 20; 1 where nothing is observed."""
    check_scores(targets, scores, observed)
    if not observed.any():
        return 1.0
    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda log: nll(targets, scaled(scores, float(np.exp(log))), observed), bounds=(low, high), method="bounded"
    )
    return round(float(np.exp(found.x)), 6)
