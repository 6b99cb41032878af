"""Metrics of predictions: for each clip and instrument a yes or a no, right or wrong.

Conventions are those of `instrumentarium.evaluation.checks`. Stated values for what text books leave open:
- precision without predictions, recall without positives: undefined;
- F1 of an instrument: 2 TP / (2 TP + FP + FN), so 0 if nothing present was found; undefined without positives, even where
  there are false alarms, and then left out of the macro average;
- samples F1: over clips with at least one observed positive; clips in which nothing plays are what
  `false_instrument_rate` is of;
- Hamming score: the share of observed pairs that are right. Where instruments are rare, answering nothing scores high: read
  it beside `hamming_all_zeros`.

Sokolova, Lapalme: A systematic analysis of performance measures for classification tasks. Inf. Process. Manag. 2009.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.checks import check_predictions, mean_of_defined, ratio

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcomes:
    """How many observed pairs came out how; each array has one count an instrument."""

    true_positives: Counts
    false_positives: Counts
    false_negatives: Counts
    true_negatives: Counts

    @property
    def positives(self) -> Counts:
        """Observed pairs in which the instrument plays."""
        return self.true_positives + self.false_negatives


def count_outcomes(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> Outcomes:
    """Count true and false positives and negatives for each instrument, over observed pairs."""
    check_predictions(targets, predictions, observed)

    def count(pairs: BoolArray) -> Counts:
        counts: Counts = (pairs & observed).sum(axis=0, dtype=np.int64)
        return counts

    return Outcomes(
        true_positives=count(targets & predictions),
        false_positives=count(~targets & predictions),
        false_negatives=count(targets & ~predictions),
        true_negatives=count(~targets & ~predictions),
    )


def precision_per_instrument(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return the share of each instrument's predictions that are right; NaN without predictions."""
    outcomes = count_outcomes(targets, predictions, observed)
    return ratio(outcomes.true_positives, outcomes.true_positives + outcomes.false_positives)


def recall_per_instrument(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return the share of each instrument's positives that are found; NaN without positives."""
    outcomes = count_outcomes(targets, predictions, observed)
    return ratio(outcomes.true_positives, outcomes.positives)


def f1_per_instrument(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return the F1 score of each instrument; NaN without positives."""
    outcomes = count_outcomes(targets, predictions, observed)
    wrong = outcomes.false_positives + outcomes.false_negatives
    f1 = ratio(2 * outcomes.true_positives, 2 * outcomes.true_positives + wrong)
    return np.where(outcomes.positives == 0, np.nan, f1)


def f1_macro(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the mean F1 over the instruments with positives; NaN if none has any."""
    return mean_of_defined(f1_per_instrument(targets, predictions, observed))


def f1_micro(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the F1 of all observed pairs pooled; NaN where nothing plays, even if something was predicted.

    False alarms of instruments without positives count here, unlike in the macro average.
    """
    outcomes = count_outcomes(targets, predictions, observed)
    found = int(outcomes.true_positives.sum())
    wrong = int(outcomes.false_positives.sum() + outcomes.false_negatives.sum())
    return 2 * found / (2 * found + wrong) if outcomes.positives.any() else float("nan")


def f1_per_clip(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return the F1 of each clip's observed pairs; NaN for clips without an observed positive."""
    check_predictions(targets, predictions, observed)
    present, predicted = targets & observed, predictions & observed
    found: Counts = (present & predicted).sum(axis=1, dtype=np.int64)
    total: Counts = (present.astype(np.int64) + predicted).sum(axis=1, dtype=np.int64)
    return np.where(present.any(axis=1), ratio(2 * found, total), np.nan)


def f1_samples(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the mean over clips of the clip's own F1; clips without an observed positive are left out."""
    return mean_of_defined(f1_per_clip(targets, predictions, observed))


def hamming(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the share of observed pairs that are predicted right; NaN where nothing is observed."""
    check_predictions(targets, predictions, observed)
    return mean_of_defined((targets == predictions)[observed].astype(np.float64))


def hamming_all_zeros(targets: BoolArray, observed: BoolArray) -> float:
    """Return the Hamming score of answering "nothing plays" to every clip."""
    return hamming(targets, np.zeros_like(targets), observed)


def exact_match_per_clip(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return 1 for each clip whose observed pairs are all right, else 0; NaN for clips without observed pairs."""
    check_predictions(targets, predictions, observed)
    right = ((targets == predictions) | ~observed).all(axis=1)
    return np.where(observed.any(axis=1), right.astype(np.float64), np.nan)


def exact_match(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the share of clips whose observed pairs are all right; clips without observed pairs are left out."""
    return mean_of_defined(exact_match_per_clip(targets, predictions, observed))


def false_instrument_per_clip(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return, of clips known to hold no instrument, 1 for each with a predicted one, else 0; NaN for all other clips."""
    check_predictions(targets, predictions, observed)
    empty = observed.all(axis=1) & ~targets.any(axis=1)
    predicted: BoolArray = np.any(predictions, axis=1)
    return np.where(empty, predicted.astype(np.float64), np.nan)


def false_instrument_rate(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> float:
    """Return the share of clips with a predicted instrument among those known to hold none; NaN without such clips."""
    return mean_of_defined(false_instrument_per_clip(targets, predictions, observed))
