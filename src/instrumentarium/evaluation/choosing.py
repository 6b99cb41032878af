"""Choosing thresholds on validation, and evaluating the choice without looking at test.

The *global* threshold is the one of highest macro F1. An instrument's own is the one of its highest F1, drawn toward
the global one where it rests on few recordings: a threshold tuned on the clips of three songs fits those songs.

Choosing is deterministic. Between two neighbouring scores every threshold predicts the same; the best such gaps that touch
form a plateau, and the threshold is the middle of the widest one (of equally wide ones the highest). No threshold is 0:
a score of 0 never predicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.calibration import fit_temperature
from instrumentarium.evaluation.checks import EvaluationError, check_scores
from instrumentarium.evaluation.metrics import f1_macro
from instrumentarium.evaluation.ranking import OperatingPoints, points_per_instrument
from instrumentarium.evaluation.thresholds import FIXED, RULES, Rule, Support, Thresholds

# Weighs the global threshold like this many positive recordings. Of 0, 2, 5, 10 and 20, tried on simulated songs, 2 lost
# least over both cases: instruments whose best thresholds agree (there 0 overfits), and instruments whose differ.
SHRINKAGE_RECORDINGS = 2
FOLDS = 5  # of validation recordings, for cross-fitting


@dataclass(frozen=True)
class _Choice:
    """The thresholds that some clips suggest."""

    global_: float
    unshrunk: list[float | None]
    shrunk: list[float]
    recordings: npt.NDArray[np.int64]

    def vector(self, rule: Rule) -> FloatArray:
        single = {"fixed": FIXED, "global": self.global_}
        return np.array(self.shrunk) if rule == "per_instrument" else np.full(len(self.shrunk), single[rule])


def choose_thresholds(
    targets: BoolArray,
    scores: FloatArray,
    observed: BoolArray,
    recordings: npt.NDArray[np.str_],
    *,
    codes: Sequence[str],
    rule: Rule,
    chosen_from: str = "validation",
) -> Thresholds:
    """Choose thresholds on validation clips. Never hand it the clips that the thresholds will be applied to.

    Args:
        targets: (clips, instruments).
        scores: (clips, instruments), probabilities.
        observed: (clips, instruments).
        recordings: (clips,), the recording each clip was cut from.
        codes: (instruments,), the instruments' codes.
        rule: which thresholds are to make the predictions.
        chosen_from: the name of the split, to be recorded.

    Raises:
        EvaluationError: if there is no such rule, no instrument has an observed positive, or there is but one recording.
        ValueError: if the arrays do not fit one another.
    """
    if rule not in RULES:
        raise EvaluationError(f"unknown rule {rule!r}; allowed are {', '.join(RULES)}")
    _check_recordings(scores, recordings)
    check_scores(targets, scores, observed)
    if not (targets & observed).any():
        raise EvaluationError(
            f"no instrument has an observed positive among the {len(targets)} {chosen_from} clips, so no threshold can be "
            "chosen; give that split clips in which instruments play"
        )
    choice = _choose(targets, scores, observed, recordings)
    clips = np.count_nonzero(targets & observed, axis=0)
    cross_fitted = cross_fitted_predictions(targets, scores, observed, recordings)
    return Thresholds(
        chosen_from=chosen_from,
        rule=rule,
        fixed=FIXED,
        global_=choice.global_,
        per_instrument=dict(zip(codes, choice.shrunk, strict=True)),
        unshrunk=dict(zip(codes, choice.unshrunk, strict=True)),
        positives={
            code: Support(clips=int(clips[column]), recordings=int(choice.recordings[column]))
            for column, code in enumerate(codes)
        },
        cross_fitted_f1_macro={
            each: round(f1_macro(targets, predictions, observed), 6) for each, predictions in cross_fitted.items()
        },
        temperature=fit_temperature(targets, scores, observed),
    )


def cross_fitted_predictions(
    targets: BoolArray,
    scores: FloatArray,
    observed: BoolArray,
    recordings: npt.NDArray[np.str_],
    folds: int = FOLDS,
) -> dict[Rule, BoolArray]:
    """Predict every clip, by each rule, with thresholds chosen on other recordings, so that the choice can be evaluated.

    The recordings, in the order of their ids, go to the folds in turn; each fold's thresholds come from the other folds.

    Raises:
        EvaluationError: if there is but one recording.
        ValueError: if the arrays do not fit one another.
    """
    _check_recordings(scores, recordings)
    fold = folds_of(recordings, folds)
    predictions = {rule: np.zeros_like(targets) for rule in RULES}
    for held_out in np.unique(fold):
        mine = fold == held_out
        choice = _choose(targets[~mine], scores[~mine], observed[~mine], recordings[~mine])
        for rule in RULES:
            predictions[rule][mine] = scores[mine] >= choice.vector(rule)
    return predictions


def cross_fitted_temperatures(
    targets: BoolArray,
    scores: FloatArray,
    observed: BoolArray,
    recordings: npt.NDArray[np.str_],
    folds: int = FOLDS,
) -> FloatArray:
    """Return for every clip the temperature fitted on the other folds of `cross_fitted_predictions`, (clips,).

    Raises:
        EvaluationError: if there is but one recording.
        ValueError: if the arrays do not fit one another.
    """
    _check_recordings(scores, recordings)
    fold = folds_of(recordings, folds)
    temperatures = np.ones(len(targets))
    for held_out in np.unique(fold):
        others = fold != held_out
        temperatures[~others] = fit_temperature(targets[others], scores[others], observed[others])
    return temperatures


def folds_of(recordings: npt.NDArray[np.str_], folds: int) -> npt.NDArray[np.intp]:
    """Return the fold of each clip, (clips,): recordings, in the order of their ids, go to the folds in turn.

    Raises:
        EvaluationError: if there is but one recording.
    """
    names, recording = np.unique(recordings, return_inverse=True)
    if len(names) < 2:
        raise EvaluationError(
            "thresholds need clips of at least two recordings, so that they are applied to other songs than those that "
            f"chose them; found {len(names)}"
        )
    return np.asarray(recording % min(folds, len(names)))


def best_threshold(points: OperatingPoints) -> float | None:
    """Return the threshold of highest F1, in the middle of the widest plateau; None without positives."""
    if points.positives == 0:
        return None
    above = points.thresholds > 0
    return _plateau_middle(points.thresholds[above], _f1(points)[above])


def best_global_threshold(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> float | None:
    """Return the one threshold of highest macro F1 over the instruments with positives; None if none has any."""
    per_instrument = [points for points in points_per_instrument(targets, scores, observed) if points.positives > 0]
    if not per_instrument:
        return None
    candidates = np.unique(np.concatenate([points.thresholds for points in per_instrument]))[::-1]
    candidates = candidates[candidates > 0]
    total = np.zeros(len(candidates))
    for points in per_instrument:
        reached = np.searchsorted(-points.thresholds, -candidates, side="right")  # distinct scores at or above each
        total += np.concatenate([[0.0], _f1(points)])[reached]
    return _plateau_middle(candidates, total / len(per_instrument))


def _choose(targets: BoolArray, scores: FloatArray, observed: BoolArray, recordings: npt.NDArray[np.str_]) -> _Choice:
    found = best_global_threshold(targets, scores, observed)
    global_ = FIXED if found is None else found
    present = targets & observed
    support = np.array([len(np.unique(recordings[column])) for column in present.T], dtype=np.int64)
    unshrunk = [best_threshold(points) for points in points_per_instrument(targets, scores, observed)]
    shrunk = []
    for own, count in zip(unshrunk, support, strict=True):
        weight = float(count / (count + SHRINKAGE_RECORDINGS))
        shrunk.append(global_ if own is None else round(weight * own + (1 - weight) * global_, 6))
    return _Choice(global_, unshrunk, shrunk, support)


def _f1(points: OperatingPoints) -> FloatArray:
    return 2 * points.true_positives / (points.true_positives + points.false_positives + points.positives)


def _plateau_middle(scores: FloatArray, objective: FloatArray) -> float:
    """Return the middle of the widest range of thresholds at which `objective` is highest.

    Args:
        scores: (points,), distinct, descending; a threshold in (scores[k + 1], scores[k]] gives objective[k].
        objective: (points,).

    Returns:
        FIXED where there is no point.
    """
    if not len(scores):
        return FIXED
    below = np.append(scores[1:], 0.0)
    best = objective >= objective.max() - 1e-12
    starts = np.flatnonzero(best & ~np.concatenate([[False], best[:-1]]))
    ends = np.flatnonzero(best & ~np.concatenate([best[1:], [False]]))
    widest = int(np.argmax(scores[starts] - below[ends]))
    low, high = float(below[ends[widest]]), float(scores[starts[widest]])
    middle = round((low + high) / 2, 6)
    return middle if low < middle <= high else high


def _check_recordings(scores: FloatArray, recordings: npt.NDArray[np.str_]) -> None:
    if recordings.shape != scores.shape[:1]:
        raise ValueError(
            f"{scores.shape[0]} clips need one recording each; found recordings of shape {recordings.shape}"
        )
