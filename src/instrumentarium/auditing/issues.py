"""Label issues: pairs of clip and instrument whose label out-of-fold scores contradict, the least credible first.

Which pairs are flagged is cleanlab's confident learning: C. Northcutt, L. Jiang, I. Chuang: Confident learning: estimating
uncertainty in dataset labels, JAIR 2021. It knows no unobserved labels, so it is given one instrument at a time, with its
observed clips.
"""

from dataclasses import dataclass

import numpy as np

from instrumentarium.clips.labels import BoolArray, FloatArray

FILTER = "prune_by_noise_rate"
"""cleanlab's rule: of each kind of error as many pairs as it estimates there are."""


@dataclass(frozen=True)
class Issues:
    """Every pair's label as out-of-fold scores see it.

    Attributes:
        scores: (clips, instruments), the probability that the instrument plays.
        quality: (clips, instruments), the probability of what the label says; NaN where there is none.
        flagged: (clips, instruments), which labels cleanlab takes for errors.
    """

    scores: FloatArray
    quality: FloatArray
    flagged: BoolArray

    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and the columns of all labelled pairs, the least credible first."""
        rows, columns = np.nonzero(~np.isnan(self.quality))
        order = np.argsort(self.quality[rows, columns], kind="stable")
        return rows[order], columns[order]


def find_issues(scores: FloatArray, targets: BoolArray, observed: BoolArray) -> Issues:
    """Return what is wrong with labels, by scores that do not come from them.

    Args:
        scores: (clips, instruments), out-of-fold probabilities.
        targets: (clips, instruments).
        observed: (clips, instruments).
    """
    from cleanlab.filter import find_label_issues

    flagged = np.zeros(targets.shape, dtype=np.bool_)
    for column in range(targets.shape[1]):
        rows = observed[:, column]
        truth = targets[rows, column]
        if len(np.unique(truth)) == 2:  # cleanlab needs both classes
            probability = scores[rows, column]
            flagged[rows, column] = find_label_issues(
                truth.astype(np.int64), np.stack([1 - probability, probability], axis=1), filter_by=FILTER, n_jobs=1
            )
    quality = np.where(observed, np.where(targets, scores, 1 - scores), np.nan)
    return Issues(scores, quality, flagged)
