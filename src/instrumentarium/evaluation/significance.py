"""Is the difference between two systems more than these recordings' luck? Paired, and by recording.

Both systems are evaluated on the same clips, and clips of one recording resemble one another. So the interval of a
difference comes from a bootstrap that draws the same recordings for both, and its p from exchanging the systems'
predictions for whole recordings: if it did not matter which system predicted, the difference would be one of those.

An exchange needs no copying. The clips of both sides are put below one another, and a clip's weight, 0 or 1, says which of
its two rows counts: so the same functions compute resamples and exchanges. Scores of two systems need not be on one scale,
so where exchanged clips are ranked against one another (AP, AUROC) each system's scores give way to their ranks, which
leave the systems' own metrics as they are.

The interval of the difference in calibration error is wider than the others: see `evaluation.calibration_intervals`.

Efron, Tibshirani: An Introduction to the Bootstrap, 1993. Venkatraman, Begg: A distribution-free procedure for comparing
receiver operating characteristic curves from a paired experiment. Biometrika, 1996 (exchanged ranks). Phipson, Smyth:
Permutation p-values should never be zero. Stat. Appl. Genet. Mol. Biol., 2010. Holm: A simple sequentially rejective
multiple test procedure. Scand. J. Stat., 1979.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips, concatenate
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.bootstrap import (
    draw_weights,
    mean_of_defined_columns,
    percentile_intervals,
    resampled_headline,
    resampled_per_instrument,
)
from instrumentarium.evaluation.calibration_intervals import ece_deviations, resampled_ece, upper_ends
from instrumentarium.evaluation.headline import rounded
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.seeds import derive_seed

BLOCK = 250
"""Draws that are computed at once: some 100 MB for 2,874 clips."""
TOLERANCE = 1e-10
"""Differences closer than this are equal: sums in another order differ in their last bits."""

Values = dict[str, FloatArray]


@dataclass(frozen=True)
class Answers:
    """What one system predicts for the clips.

    Attributes:
        scored: the clips with truth and scores.
        predictions: (clips, instruments).
    """

    scored: ScoredClips
    predictions: BoolArray


@dataclass(frozen=True)
class Differences:
    """Metrics of two systems and how they differ, by name; each a scalar array, or (instruments,) for those of instruments.

    NaN where a metric is undefined. The difference is `b` - `a`; `low` and `high` are the ends of its 95 % interval.
    """

    a: Values
    b: Values
    low: Values
    high: Values
    p: Values

    def difference(self, name: str) -> FloatArray:
        """Return b - a."""
        return self.b[name] - self.a[name]

    def headline(self) -> dict[str, object]:
        """Return each headline metric's difference, the ends of its interval and its p, as files hold them."""
        return {
            name: {
                "difference": rounded(float(self.difference(name))),
                "low": rounded(float(self.low[name])),
                "high": rounded(float(self.high[name])),
                "p": rounded(float(self.p[name])),
            }
            for name in self.a
            if name not in catalogue.MACRO
        }


def resampled_values(answers: Answers, *, resamples: int, seed: int) -> Values:
    """Return every compared metric of each resample that `paired_differences` draws with the same seed, (resamples, …)."""
    weights = _bootstrap(answers, resamples, seed)
    return _joined([_values(answers, weights[rows]) for rows in _blocks(resamples)])


def paired_differences(
    a: Answers,
    b: Answers,
    *,
    resamples: int,
    permutations: int,
    seed: int,
    of_a: Mapping[str, FloatArray] | None = None,
) -> Differences:
    """Compare two systems on the same clips.

    Args:
        a: one system's answers.
        b: the other's, about the same clips in the same order.
        resamples: of the bootstrap over recordings that gives the intervals.
        permutations: random exchanges of whole recordings, for p = (1 + as large or larger) / (1 + permutations).
        seed: of both, which draw independently of one another.
        of_a: `resampled_values` of `a`, where several systems are compared with it.

    Raises:
        ValueError: if the two are not about the same clips.
    """
    _check_paired(a, b)
    recordings = a.scored.recordings
    everything = np.ones((1, len(recordings)))
    ours, theirs = ({name: value[0] for name, value in _values(each, everything).items()} for each in (a, b))
    weights = _bootstrap(b, resamples, seed)
    swapped = draw_swaps(recordings, permutations, derive_seed(seed, "compare permutation"))
    with progress_bar("compare", "draws", total=resamples + permutations) as bar:
        resampled = []
        for rows in _blocks(resamples):
            theirs_drawn = _values(b, weights[rows])
            ours_drawn = (
                _values(a, weights[rows]) if of_a is None else {name: each[rows] for name, each in of_a.items()}
            )
            resampled.append(_minus(theirs_drawn, ours_drawn))
            bar.update(len(weights[rows]))
        exchanged = []
        for rows in _blocks(permutations):
            exchanged.append(exchanged_differences(a, b, swapped[rows]))
            bar.update(len(swapped[rows]))
    ends = percentile_intervals(_joined(resampled))
    ends["ece_mean"] = _ece_interval(a.scored, b.scored, weights)
    return Differences(
        a=ours,
        b=theirs,
        low={name: low for name, (low, _) in ends.items()},
        high={name: high for name, (_, high) in ends.items()},
        p=p_values(_minus(theirs, ours), _joined(exchanged)),
    )


def draw_swaps(recordings: npt.NDArray[np.str_], permutations: int, seed: int) -> BoolArray:
    """Return whether each clip's answers are exchanged, (permutations, clips): by a fair coin for each recording."""
    names, index = np.unique(recordings, return_inverse=True)
    coins = np.random.default_rng(seed).integers(0, 2, size=(permutations, len(names)), dtype=np.int8)
    return coins.astype(np.bool_)[:, index]


def exchanged_differences(a: Answers, b: Answers, swapped: BoolArray) -> Values:
    """Return the differences after exchanging the answers to some clips, each (permutations, …).

    Args:
        a: one system's answers.
        b: the other's, about the same clips.
        swapped: (permutations, clips).
    """
    both = Answers(concatenate([a.scored, b.scored]), np.concatenate([a.predictions, b.predictions]))
    ranks = replace(both.scored, scores=np.concatenate([score_ranks(a.scored), score_ranks(b.scored)]))
    mine, other = (~swapped).astype(np.float64), swapped.astype(np.float64)
    first = _values(both, np.concatenate([mine, other], axis=1), ranks)
    second = _values(both, np.concatenate([other, mine], axis=1), ranks)
    return _minus(second, first)


def score_ranks(split: ScoredClips) -> FloatArray:
    """Return each score's rank among its instrument's observed pairs, (clips, instruments), in 0 to 1; ties share one.

    Unobserved pairs get 0: nothing may look at them.
    """
    ranks = np.zeros_like(split.scores)
    for column in range(split.scores.shape[1]):
        seen = split.observed[:, column]
        _, index, counts = np.unique(split.scores[seen, column], return_inverse=True, return_counts=True)
        middles = np.cumsum(counts) - (counts + 1) / 2  # from 0 to pairs - 1
        ranks[seen, column] = middles[index] / max(int(seen.sum()) - 1, 1)
    return ranks


def p_values(found: Mapping[str, FloatArray], exchanged: Mapping[str, FloatArray]) -> Values:
    """Return the two-sided p of each difference: how many exchanges differ as much or more; NaN where undefined.

    Args:
        found: name to difference, scalar or (instruments,).
        exchanged: name to the same after each exchange, (permutations, …).
    """
    p = {}
    for name, difference in found.items():
        as_large = np.abs(exchanged[name]) >= np.abs(difference) - TOLERANCE
        p[name] = np.where(np.isnan(difference), np.nan, (1 + as_large.sum(axis=0)) / (1 + len(as_large)))
    return p


def holm(p: FloatArray) -> FloatArray:
    """Return p-values adjusted for there being several, so that below 5 % the chance of *any* false alarm is 5 %.

    The smallest of n is multiplied by n, the next by n - 1, …; none falls below an earlier one or exceeds 1. NaN stays NaN
    and does not count.

    Args:
        p: (hypotheses,).
    """
    adjusted = np.full(p.shape, np.nan)
    defined = np.flatnonzero(~np.isnan(p))
    order = defined[np.argsort(p[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _values(answers: Answers, weights: FloatArray, ranks: ScoredClips | None = None) -> Values:
    """Every compared metric for each row of weights; `ranks` takes the place of the scores where clips are ranked."""
    detail = resampled_per_instrument(ranks or answers.scored, answers.predictions, weights)
    headline = resampled_headline(answers.scored, answers.predictions, weights, detail)
    headline["ece_mean"] = mean_of_defined_columns(resampled_ece(answers.scored, weights))
    return headline | {metric: detail[metric] for metric in catalogue.MACRO}


def _bootstrap(answers: Answers, resamples: int, seed: int) -> FloatArray:
    return draw_weights(answers.scored.recordings, resamples, derive_seed(seed, "compare bootstrap"))


def _ece_interval(a: ScoredClips, b: ScoredClips, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the interval of the difference in mean ECE, each ()."""
    ours, theirs = (ece_deviations(side, weights).mean() for side in (a, b))
    difference = theirs.error - ours.error
    low = difference - upper_ends(theirs.above + ours.below)
    high = difference + upper_ends(theirs.below + ours.above)
    return low[0], high[0]


def _check_paired(a: Answers, b: Answers) -> None:
    for field in ("recordings", "targets", "observed"):
        if not np.array_equal(getattr(a.scored, field), getattr(b.scored, field)):
            raise ValueError(f"the {field} of the two sides differ; pair their clips first")


def _minus(b: Mapping[str, FloatArray], a: Mapping[str, FloatArray]) -> Values:
    return {name: b[name] - a[name] for name in b}


def _joined(blocks: list[Values]) -> Values:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _blocks(count: int) -> list[slice]:
    return [slice(begin, begin + BLOCK) for begin in range(0, count, BLOCK)]
