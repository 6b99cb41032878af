"""Reliability as rows for a plot: how often an instrument plays where its score is such, with intervals over recordings.

Bins are wider than those of the expected calibration error: few clips have high scores, and a curve through bins of two or
three shows nothing but chance.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.evaluation.bootstrap import percentile_intervals
from instrumentarium.evaluation.calibration import bins_of, reliability
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import rounded
from instrumentarium.evaluation.inputs import Scored
from instrumentarium.labels import BoolArray, FloatArray
from instrumentarium.taxonomy import CODES

ALL = "all"
BINS = 10


def reliability_rows(split: Scored, weights: FloatArray) -> list[Row]:
    """Return rows `instrument, mean_score, share, count, low, high` over observed pairs, one for each bin that has any.

    `share` of the bin's pairs hold the instrument; `low` and `high` are the ends of its 95 % interval. After the
    instruments comes "all", every observed pair together. An instrument that nobody judged has one empty row, which keeps
    its place in the plot.

    Args:
        split: the clips.
        weights: (resamples, clips), of `draw_weights`.
    """
    rows: list[Row] = []
    for column, code in enumerate(CODES):
        only = np.zeros_like(split.observed)
        only[:, column] = split.observed[:, column]
        rows += _rows(code, split, only, weights)
    return rows + _rows(ALL, split, split.observed, weights)


def _rows(name: str, split: Scored, pairs: BoolArray, weights: FloatArray) -> list[Row]:
    clip, _ = np.nonzero(pairs)
    targets, scores = split.targets[pairs], split.scores[pairs]
    mean_score, share, count = reliability(targets, scores, BINS)
    low, high = _intervals(clip, targets, scores, weights)
    rows: list[Row] = [
        {
            "instrument": name,
            "mean_score": rounded(mean_score[k]),
            "share": rounded(share[k]),
            "count": int(count[k]),
            "low": rounded(low[k]),
            "high": rounded(high[k]),
        }
        for k in np.flatnonzero(count)
    ]
    empty: Row = {"instrument": name, "mean_score": None, "share": None, "count": 0, "low": None, "high": None}
    return rows or [empty]


def _intervals(
    clip: npt.NDArray[np.intp], targets: BoolArray, scores: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The ends of the interval of each bin's share of positives, each (`BINS`,)."""
    place = bins_of(scores, BINS)
    counts = np.zeros((2, weights.shape[1], BINS))
    np.add.at(counts[0], (clip, place), 1.0)
    np.add.at(counts[1], (clip, place), targets.astype(np.float64))
    drawn, present = weights @ counts[0], weights @ counts[1]  # (resamples, bins)
    shares = np.where(drawn > 0, present / np.where(drawn > 0, drawn, 1.0), np.nan)
    return percentile_intervals({"share": shares})["share"]
