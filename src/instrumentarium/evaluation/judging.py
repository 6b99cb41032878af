"""What the clips of a split are judged by: predictions, temperatures and priors that never saw the labels they meet.

There are two ways to be honest. Either thresholds come from other clips altogether (test is judged by what was chosen on
validation), or they are cross-fitted: recordings are parted into folds, and each fold is judged by what the others chose.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.baselines import prevalence
from instrumentarium.evaluation.calibration import scaled
from instrumentarium.evaluation.choosing import cross_fitted_predictions, cross_fitted_temperatures, folds_of
from instrumentarium.evaluation.inputs import Scored
from instrumentarium.evaluation.thresholds import RULES, Rule, Thresholds


@dataclass(frozen=True)
class Judgement:
    """What a split is judged by.

    Attributes:
        predictions: rule to (clips, instruments).
        rule: which of them are evaluated.
        source: whose labels thresholds, temperatures and prior have seen.
        scaled: (clips, instruments), the scores after their temperature.
        prior: each instrument's share of the clips that it comes from, (instruments,) or (clips, instruments).
        thresholds: (instruments,), to be listed; None where not all clips are judged by the same.
        temperature: to be listed; None where not all clips have the same.
    """

    predictions: Mapping[Rule, BoolArray]
    rule: Rule
    source: str
    scaled: FloatArray
    prior: FloatArray
    thresholds: FloatArray | None
    temperature: float | None

    @property
    def chosen(self) -> BoolArray:
        """The predictions that are evaluated, (clips, instruments)."""
        return self.predictions[self.rule]


def judge_by_frozen(scores: FloatArray, thresholds: Thresholds, prior: FloatArray) -> Judgement:
    """Judge by thresholds chosen elsewhere. Labels do not reach this function, so nothing here can be tuned on them."""
    return Judgement(
        predictions={rule: thresholds.predict(scores, rule) for rule in RULES},
        rule=thresholds.rule,
        source=thresholds.chosen_from,
        scaled=scaled(scores, thresholds.temperature),
        prior=prior,
        thresholds=thresholds.vector(),
        temperature=thresholds.temperature,
    )


def judge_by_others(split: Scored, rule: Rule, folds: int, source: str, listed: Thresholds | None = None) -> Judgement:
    """Judge each fold of the split's recordings by what the other folds choose.

    Args:
        split: the clips.
        rule: which predictions are evaluated.
        folds: how many.
        source: whose labels the thresholds have seen, in words.
        listed: thresholds and temperature to list beside the figures.

    Raises:
        EvaluationError: if there is but one recording.
    """
    truth = split.targets, split.scores, split.observed, split.recordings
    fold = folds_of(split.recordings, folds)
    prior = np.zeros(split.targets.shape)
    for held_out in np.unique(fold):
        prior[fold == held_out] = prevalence(split.where(fold != held_out))
    return Judgement(
        predictions=cross_fitted_predictions(*truth, folds=folds),
        rule=rule,
        source=source,
        scaled=scaled(split.scores, cross_fitted_temperatures(*truth, folds=folds)[:, None]),
        prior=prior,
        thresholds=listed.vector() if listed else None,
        temperature=listed.temperature if listed else None,
    )
