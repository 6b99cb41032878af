"""Metrics of scores that need no threshold: how well presence is ranked above absence, how near scores are to the truth.

Conventions are those of `instrumentarium.evaluation.checks`. Equal scores are treated as scikit-learn treats them: no
metric depends on the order of clips. Stated values for what text books leave open:
- average precision: the step-wise sum, not an interpolated area; undefined without positives;
- AUROC: ties count half; undefined without positives or without negatives;
- LRAP and coverage error: over clips with at least one observed positive, ranked among the observed instruments only.

Tsoumakas, Katakis, Vlahavas: Mining multi-label data. Data Mining and Knowledge Discovery Handbook, 2010.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.checks import check_scores, mean_of_defined


@dataclass(frozen=True)
class OperatingPoints:
    """What a threshold at each distinct score gives, from the highest score to the lowest; each array is (points,).

    A clip is predicted when its score is at least the threshold.
    """

    thresholds: FloatArray
    true_positives: FloatArray
    false_positives: FloatArray

    @property
    def positives(self) -> float:
        """All pairs in which the instrument plays."""
        return float(self.true_positives[-1]) if len(self.true_positives) else 0.0

    @property
    def negatives(self) -> float:
        """All pairs in which it does not."""
        return float(self.false_positives[-1]) if len(self.false_positives) else 0.0


def ends_of_ties(ordered: FloatArray) -> npt.NDArray[np.intp]:
    """Return where each run of equal values in `ordered`, (pairs,), ends."""
    return np.flatnonzero(np.append(np.diff(ordered) != 0, np.ones(min(len(ordered), 1), dtype=np.bool_)))


def operating_points(targets: BoolArray, scores: FloatArray) -> OperatingPoints:
    """Count true and false positives at every distinct score.

    Args:
        targets: (pairs,), of observed pairs only.
        scores: (pairs,).
    """
    order = np.argsort(-scores, kind="stable")
    ordered, present = scores[order], targets[order]
    last_of_tie = ends_of_ties(ordered)
    true_positives = np.cumsum(present, dtype=np.float64)[last_of_tie]
    return OperatingPoints(ordered[last_of_tie], true_positives, last_of_tie + 1.0 - true_positives)


def average_precision(points: OperatingPoints) -> float:
    """Return the sum of precisions weighted by the recall each threshold adds; NaN without positives."""
    if points.positives == 0:
        return float("nan")
    precision = points.true_positives / (points.true_positives + points.false_positives)
    return float((np.diff(points.true_positives, prepend=0.0) * precision).sum() / points.positives)


def area_under_roc(points: OperatingPoints) -> float:
    """Return the chance that a positive scores above a negative, ties counting half; NaN if either kind is missing."""
    if points.positives == 0 or points.negatives == 0:
        return float("nan")
    steps = np.diff(points.false_positives, prepend=0.0)
    heights = points.true_positives + np.concatenate([[0.0], points.true_positives[:-1]])
    return float((steps * heights).sum() / (2 * points.positives * points.negatives))


def points_per_instrument(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> list[OperatingPoints]:
    """Return the operating points of each instrument over its observed pairs."""
    check_scores(targets, scores, observed)
    return [
        operating_points(targets[observed[:, column], column], scores[observed[:, column], column])
        for column in range(targets.shape[1])
    ]


def ap_per_instrument(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the average precision of each instrument; NaN without positives."""
    return np.array([average_precision(points) for points in points_per_instrument(targets, scores, observed)])


def map_macro(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean average precision over the instruments with positives (class mAP); NaN if none has any."""
    return mean_of_defined(ap_per_instrument(targets, scores, observed))


def auroc_per_instrument(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the area under each instrument's ROC curve; NaN without positives or without negatives."""
    return np.array([area_under_roc(points) for points in points_per_instrument(targets, scores, observed)])


def auroc_macro(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean AUROC over the instruments with positives and negatives; NaN if none has both."""
    return mean_of_defined(auroc_per_instrument(targets, scores, observed))


def lrap_per_clip(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return the label ranking average precision of each clip; NaN for clips without an observed positive.

    For each present instrument: among the observed instruments scored at least as high, the share that is present; the mean
    over the clip's present instruments. 1 is best.
    """
    check_scores(targets, scores, observed)
    present = targets & observed
    at_least = scores[:, None, :] >= scores[:, :, None]  # (clips, instruments, the instruments it is compared with)
    rank = np.count_nonzero(at_least & observed[:, None, :], axis=2)
    rank_among_present = np.count_nonzero(at_least & present[:, None, :], axis=2)
    share = np.where(present, rank_among_present / np.maximum(rank, 1), 0.0)
    count = np.count_nonzero(present, axis=1)
    return np.where(count > 0, share.sum(axis=1) / np.maximum(count, 1), np.nan)


def lrap(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean label ranking average precision over the clips with at least one observed positive."""
    return mean_of_defined(lrap_per_clip(targets, scores, observed))


def coverage_per_clip(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> FloatArray:
    """Return how many of each clip's top-ranked instruments one must take to cover all present ones.

    NaN for clips without an observed positive.
    """
    check_scores(targets, scores, observed)
    present = targets & observed
    lowest = np.where(present, scores, np.inf).min(axis=1, keepdims=True)
    depth = np.count_nonzero((scores >= lowest) & observed, axis=1)
    return np.where(present.any(axis=1), depth.astype(np.float64), np.nan)


def coverage_error(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return how many of a clip's top-ranked instruments one must take to cover all present ones, on average.

    Over clips with at least one observed positive; the best possible value is their mean number of present instruments.
    """
    return mean_of_defined(coverage_per_clip(targets, scores, observed))


def brier(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float:
    """Return the mean squared distance of score and truth over observed pairs; 0 is best."""
    check_scores(targets, scores, observed)
    return mean_of_defined(np.square(scores - targets)[observed])
