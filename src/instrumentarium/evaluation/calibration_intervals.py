"""How far the expected calibration error (ECE) may lie from that of endless data: intervals over recordings.

The ECE adds up absolute gaps between score and truth, so chance in a bin makes it larger whichever way it goes: the error
of a calibrated system is not 0 on a finite set, its resamples lie higher still, and their percentiles would leave out the
truth. With the share w and the gap g of each bin in endless data, the ECE is the largest of all sums Σ ±w·g, and every such
sum is estimated without bias. That bounds it from both sides:

- The estimate can lie above the truth by Σ |deviation of w·g| at most, whatever the signs. In bins whose gap is clear of
  chance the sign is known, and only a deviation in its direction counts.
- It can lie below by no more than the deviation of the one sum whose signs it has.

The deviations are those of the resamples. An interval reaches from the estimate minus the 97.5th percentile of the first, 0
at least, to the estimate plus that of the second: at least 95 % of them hold the truth, more where bins hold few clips, and
each holds the estimate.

Chernozhukov, Lee, Rosen: Intersection bounds: estimation and inference, Econometrica 2013 (a largest of several means);
Kumar, Liang, Ma: Verified uncertainty calibration, NeurIPS 2019 (the bias of binned errors).
"""

from dataclasses import dataclass

import numpy as np

from instrumentarium.clips.labels import FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.bootstrap import LEVEL, mean_of_defined_columns
from instrumentarium.evaluation.calibration import BINS, bins_of

CLEAR = 3.0
"""The sign of a gap is known if it is so many times as large as its resamples' usual deviation."""


@dataclass(frozen=True)
class Deviations:
    """How far estimates may lie above and below the truth.

    Attributes:
        error: the ECE, (instruments,) or (1,) for their mean; NaN where nothing is observed.
        above: of each resample, (resamples, instruments) or (resamples, 1); NaN where it has no observed clip.
        below: the same for the other side.
    """

    error: FloatArray
    above: FloatArray
    below: FloatArray

    def mean(self) -> "Deviations":
        """Return those of the mean over the instruments that have an error."""
        known = ~np.isnan(self.error)
        return Deviations(
            np.array([self.error[known].mean() if known.any() else np.nan]),
            mean_of_defined_columns(self.above[:, known])[:, None],
            mean_of_defined_columns(self.below[:, known])[:, None],
        )

    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the 95 % interval, each (instruments,) or (1,); NaN where there is no error."""
        return np.maximum(self.error - upper_ends(self.above), 0.0), self.error + upper_ends(self.below)


def ece_deviations(split: ScoredClips, weights: FloatArray) -> Deviations:
    """Return how far each instrument's ECE may lie from the truth.

    Args:
        split: the clips.
        weights: (resamples, clips), of `bootstrap.draw_weights`.
    """
    errors, above, below = [], [], []
    for column in range(split.scores.shape[1]):
        gap = _shared_gaps(split, column, np.ones((1, len(split.scores))))[0]  # (bins,)
        deviation = _shared_gaps(split, column, weights) - gap
        along = np.sign(gap) * deviation
        usual = np.sqrt(np.nanmean(np.square(deviation), axis=0)) if not np.isnan(deviation).all() else np.nan
        errors.append(np.abs(gap).sum())
        above.append(np.where(np.abs(gap) > CLEAR * usual, along, np.abs(deviation)).sum(axis=1))
        below.append(-along.sum(axis=1))
    return Deviations(np.array(errors), np.stack(above, axis=1), np.stack(below, axis=1))


def resampled_ece(split: ScoredClips, weights: FloatArray) -> FloatArray:
    """Return each instrument's ECE in every resample, (resamples, instruments); NaN without observed clips.

    Resamples lie above what they are drawn from; see above for what that means for intervals.
    """
    return np.stack(
        [np.abs(_shared_gaps(split, column, weights)).sum(axis=1) for column in range(split.scores.shape[1])], axis=1
    )


def upper_ends(deviations: FloatArray) -> FloatArray:
    """Return the 97.5th percentile of each column, (columns,), of (resamples, columns); NaN where none is defined."""
    defined = [column[~np.isnan(column)] for column in deviations.T]
    return np.array([np.quantile(column, (1 + LEVEL) / 2) if len(column) else np.nan for column in defined])


def _shared_gaps(split: ScoredClips, column: int, weights: FloatArray) -> FloatArray:
    """Score minus truth summed in each bin, over the number of observed clips, (resamples, bins)."""
    rows = np.flatnonzero(split.observed[:, column])
    gaps = np.zeros((len(split), BINS))  # of unobserved clips 0, so that nothing of the large weights is copied
    gaps[rows, bins_of(split.scores[rows, column])] = split.scores[rows, column] - split.targets[rows, column]
    count = weights @ split.observed[:, [column]].astype(np.float64)
    return np.asarray((weights @ gaps) / np.where(count > 0, count, np.nan))
