"""How far each metric could have come out otherwise: a bootstrap over recordings.

Clips of one recording resemble one another, so recordings are what is drawn anew, with all their clips; drawing clips makes
intervals far too narrow. A resample is a weight for each clip, how often its recording was drawn, and every metric is
computed from weights at once: nothing is copied. Each value is what the metric of the same name gives on the drawn clips.

Efron, Tibshirani: An Introduction to the Bootstrap, 1993 (percentile intervals); Cameron, Gelbach, Miller: Bootstrap-based
improvements for inference with clustered errors. Review of Economics and Statistics, 2008 (pairs cluster bootstrap).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r

BATCH = 250
"""Resamples that are ranked at once: some 50 MB for 2,874 clips."""
FEW_SCORES = 8
"""Up to so many distinct scores, clips of equal score are counted together, which is quicker; the counts are the same."""
LEVEL = 0.95


def draw_weights(recordings: npt.NDArray[np.str_], resamples: int, seed: int) -> FloatArray:
    """Return how often each clip is in each resample, (resamples, clips).

    Args:
        recordings: (clips,), the recording of each clip; each resample has as many recordings as there are.
        resamples: how many.
        seed: of the draws, which depend on nothing else.
    """
    names, index = np.unique(recordings, return_inverse=True)
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return counts[:, index].astype(np.float64)


def resampled_headline(
    split: ScoredClips, predictions: BoolArray, weights: FloatArray, detail: Mapping[str, FloatArray] | None = None
) -> dict[str, FloatArray]:
    """Return the headline metrics of every resample, each (resamples,); NaN where one is undefined.

    Args:
        split: the clips.
        predictions: (clips, instruments).
        weights: (resamples, clips), of `draw_weights`.
        detail: what `resampled_per_instrument` returned for these, where that is known already.
    """
    truth = split.targets, predictions, split.observed
    graded = split.targets, split.scores, split.observed
    if detail is None:
        detail = resampled_per_instrument(split, predictions, weights)
    found, missed, false = _outcomes(split, predictions, weights)
    positives = (found + missed).sum(axis=1)
    pooled = _ratio(2 * found.sum(axis=1), (2 * found + missed + false).sum(axis=1))
    pairs = split.observed.astype(np.float64)
    return {
        "f1_macro": mean_of_defined_columns(detail["f1"]),
        "f1_micro": np.where(positives > 0, pooled, np.nan),
        "f1_samples": _weighted_mean(m.f1_per_clip(*truth), weights),
        "map_macro": mean_of_defined_columns(detail["ap"]),
        "auroc_macro": mean_of_defined_columns(detail["auroc"]),
        "lrap": _weighted_mean(r.lrap_per_clip(*graded), weights),
        "hamming": _of_pairs((split.targets == predictions) * pairs, pairs, weights),
        "exact_match": _weighted_mean(m.exact_match_per_clip(*truth), weights),
        "coverage_error": _weighted_mean(r.coverage_per_clip(*graded), weights),
        "brier": _of_pairs(np.square(split.scores - split.targets) * pairs, pairs, weights),
        "false_instrument_rate": _weighted_mean(m.false_instrument_per_clip(*truth), weights),
    }


def resampled_per_instrument(split: ScoredClips, predictions: BoolArray, weights: FloatArray) -> dict[str, FloatArray]:
    """Return F1, precision, recall, AP and AUROC of every resample, each (resamples, instruments); NaN where undefined."""
    found, missed, false = _outcomes(split, predictions, weights)
    f1 = _ratio(2 * found, 2 * found + missed + false)
    ranked = [_areas(split, column, weights) for column in range(split.targets.shape[1])]
    return {
        "f1": np.where(found + missed > 0, f1, np.nan),
        "precision": _ratio(found, found + false),
        "recall": _ratio(found, found + missed),
        "ap": np.stack([precision for precision, _ in ranked], axis=1),
        "auroc": np.stack([area for _, area in ranked], axis=1),
    }


def resampled_brier(split: ScoredClips, weights: FloatArray) -> FloatArray:
    """Return each instrument's mean squared error of scores in every resample, (resamples, instruments)."""
    pairs = split.observed.astype(np.float64)
    return _ratio(weights @ (np.square(split.scores - split.targets) * pairs), weights @ pairs)


def percentile_intervals(values: Mapping[str, FloatArray]) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return for each metric the ends of its central 95 %, over the resamples in which it is defined.

    Args:
        values: name to (resamples,) or (resamples, instruments).

    Returns:
        name to (low, high), without the axis of resamples; NaN where no resample defines the metric.
    """
    tails = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    ends = {}
    for name, each in values.items():
        columns = each.reshape(len(each), -1)
        defined = [column[~np.isnan(column)] for column in columns.T]
        pairs = [np.quantile(column, tails) if len(column) else np.full(2, np.nan) for column in defined]
        low, high = np.array(pairs).T
        ends[name] = (low.reshape(each.shape[1:]), high.reshape(each.shape[1:]))
    return ends


def mean_of_defined_columns(values: FloatArray) -> FloatArray:
    """Return the mean over instruments of those that are defined, (resamples,); NaN where none is."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1).astype(np.float64))


def _outcomes(
    split: ScoredClips, predictions: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """True positives, false negatives and false positives, each (resamples, instruments)."""
    present, absent = split.targets & split.observed, ~split.targets & split.observed
    found = weights @ (present & predictions).astype(np.float64)
    missed = weights @ (present & ~predictions).astype(np.float64)
    return found, missed, weights @ (absent & predictions).astype(np.float64)


def _areas(split: ScoredClips, column: int, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average precision and area under the ROC curve of one instrument, each (resamples,); see ranking.py."""
    seen = np.flatnonzero(split.observed[:, column])
    ranked = seen[np.argsort(-split.scores[seen, column], kind="stable")]
    ordered, present = split.scores[ranked, column], split.targets[ranked, column].astype(np.float64)
    last_of_tie = r.ends_of_ties(ordered)
    precisions, areas = np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    few = None
    if len(last_of_tie) <= FEW_SCORES:
        tie = np.searchsorted(last_of_tie, np.arange(len(ranked)))
        few = np.zeros((2, len(split), len(last_of_tie)))
        few[0, ranked, tie], few[1, ranked, tie] = 1.0, present
    for begin in range(0, len(weights) if len(ordered) else 0, BATCH):
        rows = slice(begin, begin + BATCH)
        if few is None:
            drawn = np.take(weights[rows], ranked, axis=1)
            alarms = np.cumsum(drawn, axis=1)[:, last_of_tie]
            drawn *= present
            hits = np.cumsum(drawn, axis=1)[:, last_of_tie]
        else:
            alarms, hits = (np.cumsum(weights[rows] @ each, axis=1) for each in few)
        alarms -= hits
        before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
        precision = hits / np.maximum(hits + alarms, 1.0)  # both are whole numbers: 0 where nothing was drawn yet
        precisions[rows] = _ratio(((hits - before) * precision).sum(axis=1), hits[:, -1])
        steps = np.diff(alarms, prepend=0.0, axis=1)
        areas[rows] = _ratio((steps * (hits + before)).sum(axis=1), 2 * hits[:, -1] * alarms[:, -1])
    return precisions, areas


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)


def _weighted_mean(per_clip: FloatArray, weights: FloatArray) -> FloatArray:
    """The mean of (clips,) over the clips of each resample that have a value, (resamples,)."""
    defined = ~np.isnan(per_clip)
    return _ratio(weights[:, defined] @ per_clip[defined], weights[:, defined].sum(axis=1))


def _of_pairs(values: FloatArray, pairs: FloatArray, weights: FloatArray) -> FloatArray:
    """The mean of (clips, instruments) over the pairs of each resample, (resamples,)."""
    return _ratio(weights @ values.sum(axis=1), weights @ pairs.sum(axis=1))
