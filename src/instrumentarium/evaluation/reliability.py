"""Reliability as rows for a plot: how often an instrument plays where its score is such, with intervals over recordings.

Few clips have high scores, and a curve through bins of two or three shows nothing but chance. So neighbouring bins of equal
width are put together, from the highest scores down, until each holds `FEWEST` pairs.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.bootstrap import percentile_intervals
from instrumentarium.evaluation.calibration import bins_of
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import rounded

ALL = "all"
BINS = 10
FEWEST = 8


def reliability_rows(split: ScoredClips, weights: FloatArray) -> list[Row]:
    """Return rows `instrument, mean_score, share, count, low, high` over observed pairs, one a bin, scores ascending.

    `share` of the bin's pairs hold the instrument; `low` and `high` are the ends of its 95 % interval. After the
    instruments comes "all", every observed pair together. An instrument that is nowhere observed has one empty row,
    which keeps its place in the plot.

    Args:
        split: the clips.
        weights: (resamples, clips), of `draw_weights`.
    """
    rows: list[Row] = []
    for column, code in enumerate(split.codes):
        only = np.zeros_like(split.observed)
        only[:, column] = split.observed[:, column]
        rows += _rows(code, split, only, weights)
    return rows + _rows(ALL, split, split.observed, weights)


def filled_bins(scores: FloatArray, bins: int = BINS, fewest: int = FEWEST) -> npt.NDArray[np.intp]:
    """Return the bin of each score, (pairs,), counted from the lowest: at least `fewest` in each, if there are as many."""
    counts = np.bincount(bins_of(scores, bins), minlength=bins)
    bin_of, place, held = np.zeros(bins, dtype=np.intp), 0, 0
    for k in reversed(range(bins)):
        if held >= fewest and counts[: k + 1].sum() >= fewest:
            place, held = place + 1, 0
        bin_of[k] = place
        held += counts[k]
    return np.asarray((place - bin_of)[bins_of(scores, bins)])


def _rows(name: str, split: ScoredClips, pairs: BoolArray, weights: FloatArray) -> list[Row]:
    clip, _ = np.nonzero(pairs)
    targets, scores = split.targets[pairs].astype(np.float64), split.scores[pairs]
    if not len(scores):
        return [{"instrument": name, "mean_score": None, "share": None, "count": 0, "low": None, "high": None}]
    place = filled_bins(scores)
    count = np.bincount(place)
    low, high = _intervals(clip, place, targets, weights)
    return [
        {
            "instrument": name,
            "mean_score": rounded(scores[place == k].mean()),
            "share": rounded(targets[place == k].mean()),
            "count": int(count[k]),
            "low": rounded(low[k]),
            "high": rounded(high[k]),
        }
        for k in np.flatnonzero(count)
    ]


def _intervals(
    clip: npt.NDArray[np.intp], place: npt.NDArray[np.intp], targets: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The ends of the interval of each bin's share of positives, each (bins,)."""
    counts = np.zeros((2, weights.shape[1], place.max() + 1))
    np.add.at(counts[0], (clip, place), 1.0)
    np.add.at(counts[1], (clip, place), targets)
    drawn, present = weights @ counts[0], weights @ counts[1]  # (resamples, bins)
    shares = np.where(drawn > 0, present / np.where(drawn > 0, drawn, 1.0), np.nan)
    return percentile_intervals({"share": shares})["share"]
