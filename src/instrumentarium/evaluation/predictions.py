"""Scores to predictions by thresholds that never saw the labels they meet.

There are two ways to be honest. Either thresholds come from other clips altogether (`apply_thresholds`: on test, what was
chosen on validation), or they are cross-fitted (`cross_fit`: recordings are parted into folds, and each fold's thresholds
come from the others).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.calibration import scaled
from instrumentarium.evaluation.choosing import (
    FOLDS,
    choose_thresholds,
    cross_fitted_predictions,
    cross_fitted_temperatures,
)
from instrumentarium.evaluation.thresholds import RULES, Rule, Thresholds
from instrumentarium.evaluation.trivial import HALVES

OTHER_HALF = "the other half of the recordings, cross-fitted"
OTHER_FOLDS = "other recordings of validation, cross-fitted"
ScoredSplits = tuple[ScoredClips, ScoredClips | None]
"""The clips of test and, where there are such, those of validation, with the scores of one system."""


@dataclass(frozen=True)
class Predictions:
    """What is predicted for the clips of a split.

    Attributes:
        by_rule: rule to predictions, (clips, instruments).
        rule: which of them are evaluated.
        source: whose labels thresholds and temperatures have seen, in words.
        scaled: (clips, instruments), the scores after their temperature.
        thresholds: (instruments,), to be listed; None where not all clips have the same.
        temperature: to be listed; None where not all clips have the same.
    """

    by_rule: Mapping[Rule, BoolArray]
    rule: Rule
    source: str
    scaled: FloatArray
    thresholds: FloatArray | None
    temperature: float | None

    @property
    def chosen(self) -> BoolArray:
        """The predictions that are evaluated, (clips, instruments)."""
        return self.by_rule[self.rule]


def apply_thresholds(scores: FloatArray, thresholds: Thresholds) -> Predictions:
    """Apply thresholds chosen elsewhere. Labels do not reach this function, so nothing here can be tuned on them."""
    return Predictions(
        by_rule={rule: thresholds.predict(scores, rule) for rule in RULES},
        rule=thresholds.rule,
        source=thresholds.chosen_from,
        scaled=scaled(scores, thresholds.temperature),
        thresholds=thresholds.vector(),
        temperature=thresholds.temperature,
    )


def cross_fit(clips: ScoredClips, rule: Rule, folds: int, source: str, listed: Thresholds | None = None) -> Predictions:
    """Predict each fold of the clips' recordings with thresholds that the other folds choose.

    Args:
        clips: those to predict for.
        rule: which predictions are evaluated.
        folds: how many.
        source: whose labels the thresholds have seen, in words.
        listed: thresholds and temperature to list beside the metrics.

    Raises:
        EvaluationError: if there is but one recording.
    """
    truth = clips.targets, clips.scores, clips.observed, clips.recordings
    return Predictions(
        by_rule=cross_fitted_predictions(*truth, folds=folds),
        rule=rule,
        source=source,
        scaled=scaled(clips.scores, cross_fitted_temperatures(*truth, folds=folds)[:, None]),
        thresholds=listed.vector() if listed else None,
        temperature=listed.temperature if listed else None,
    )


def predict_splits(scored: ScoredSplits, rule: Rule) -> tuple[Thresholds, dict[str, tuple[ScoredClips, Predictions]]]:
    """Choose a system's thresholds, and predict test (and validation, where there is such) with none that saw its labels.

    Raises:
        EvaluationError: if there is too little to choose thresholds on.
    """
    test, validation = scored
    choosing = test if validation is None else validation
    thresholds = choose_thresholds(
        choosing.targets,
        choosing.scores,
        choosing.observed,
        choosing.recordings,
        codes=choosing.codes,
        rule=rule,
        chosen_from="test" if validation is None else "validation",
    )
    if validation is None:
        return thresholds, {"test": (test, cross_fit(test, rule, HALVES, OTHER_HALF))}
    return thresholds, {
        "test": (test, apply_thresholds(test.scores, thresholds)),
        "validation": (validation, cross_fit(validation, rule, FOLDS, OTHER_FOLDS, thresholds)),
    }
