"""The evaluation of a model: thresholds from validation, then every figure and plot of validation and test.

Validation figures are cross-fitted: the thresholds a validation clip is judged by come from other validation recordings, so
they are comparable with those of test, and fit to choose models by. Test is judged by thresholds that were frozen before it
was looked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from instrumentarium.evaluation.baselines import prevalence
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.choosing import choose_thresholds, cross_fitted_predictions
from instrumentarium.evaluation.confusion import confusion_per_instrument_rows, confusion_rows
from instrumentarium.evaluation.curves import Row, precision_recall_rows, roc_rows
from instrumentarium.evaluation.figures import figures, interval, oracle, per_instrument_rows
from instrumentarium.evaluation.headline import Figures, headline
from instrumentarium.evaluation.histograms import score_rows
from instrumentarium.evaluation.inputs import Scored, join, scored_splits
from instrumentarium.evaluation.thresholds import RULES, Rule, Thresholds
from instrumentarium.files import write_json, write_text_atomically
from instrumentarium.labels import BoolArray, FloatArray, IrmasTrainAbsent, label_arrays
from instrumentarium.seeds import derive_seed


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        metrics: the content of metrics/evaluate.json; None where a figure is undefined.
        thresholds: the content of data/thresholds.json.
        plots: plot name (of plots/evaluate/<name>.json) to rows.
    """

    metrics: Mapping[str, Figures]
    thresholds: Thresholds
    plots: Mapping[str, list[Row]]

    def summary(self) -> str:
        """Return one line about the test split."""
        test = self.metrics["test"]
        headline = ", ".join(
            f"{name} {_with_interval(test, key)}"
            for name, key in {
                "macro F1": "f1_macro",
                "micro F1": "f1_micro",
                "mAP": "map_macro",
                "LRAP": "lrap",
            }.items()
        )
        return (
            f"{headline} on {test['clips']} test clips of {test['recordings']} recordings, "
            f"{self.thresholds.rule} thresholds from {self.thresholds.chosen_from} out"
        )


def _with_interval(figures: Figures, key: str) -> str:
    """Say a figure and its 95 % interval, as "0.612 (0.55-0.67)"."""
    if figures[key] is None:
        return "undefined"
    interval = figures["interval"]
    assert isinstance(interval, Mapping)
    return f"{figures[key]:.3f} ({interval[key]['low']:.2f}-{interval[key]['high']:.2f})"


def evaluate(
    scores: pd.DataFrame,
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    split: pd.DataFrame,
    *,
    rule: Rule,
    irmas_train_absent: IrmasTrainAbsent,
    resamples: int,
    seed: int,
) -> Evaluation:
    """Evaluate scores against labels.

    Args:
        scores: columns clip_id and one an instrument, probabilities; for the clips of validation and test.
        clips: columns clip_id, corpus, official_split, genre; all clips that labels speak of.
        labels: columns clip_id, instrument, relevance.
        split: columns clip_id, split, recording_id.
        rule: which of the thresholds chosen on validation make the predictions.
        irmas_train_absent: see `label_arrays`.
        resamples: of the bootstrap over recordings that gives the 95 % intervals.
        seed: any whole number; the draws for test and validation are independent.

    Raises:
        EvaluationError: if the tables do not fit together, or hold too little to choose thresholds on.
        LabelError: if the labels do not fit the clips or the taxonomy.
        ValueError: if scores are not probabilities.
    """
    known = label_arrays(clips, labels, irmas_train_absent=irmas_train_absent)
    splits = scored_splits(scores, clips, known, split, ("validation", "test"))
    validation, test = splits["validation"], splits["test"]
    thresholds = choose_thresholds(
        validation.targets, validation.scores, validation.observed, validation.recordings, rule=rule
    )
    cross_fitted = cross_fitted_predictions(
        validation.targets, validation.scores, validation.observed, validation.recordings
    )
    test_predictions = _predictions_of_every_rule(test.scores, thresholds)
    prior = prevalence(validation)
    metrics = {
        name: figures(
            part,
            predictions,
            thresholds,
            thresholds_from=source,
            prior=prior,
            resamples=resamples,
            seed=derive_seed(seed, f"bootstrap {name}"),
        )
        for name, part, predictions, source in (
            ("test", test, test_predictions, thresholds.chosen_from),
            ("validation", validation, cross_fitted, "other recordings of validation, cross-fitted"),
        )
    }
    metrics["test"]["official_irmas"] = _official_irmas_test(
        validation, test, rule, resamples, derive_seed(seed, "bootstrap irmas")
    )
    return Evaluation(metrics, thresholds, _plots(test, test_predictions[rule], metrics["test"]))


def _official_irmas_test(validation: Scored, test: Scored, rule: Rule, resamples: int, seed: int) -> Figures:
    """Return the headline of all scored clips of the official IRMAS test set, of both splits, for published tables.

    The songs are parted into halves, and the thresholds for each come from the other. The model's best epoch was chosen
    by the validation clips among them, which flatters it a little; `test` is free of that. IRMAS's training clips are
    never scored, so all IRMAS clips here are of its test set, except those that `split.irmas_test_songs` gave to training.
    """
    both = join([each.where(each.corpora == "irmas") for each in (validation, test)])
    recordings = len(set(both.recordings.tolist()))
    if recordings < 2 or not (both.targets & both.observed).any():
        return {"clips": len(both.targets), "recordings": recordings}
    truth = both.targets, both.scores, both.observed, both.recordings
    predictions = cross_fitted_predictions(*truth, folds=2)[rule]
    weights = draw_weights(both.recordings, resamples, seed)
    return {
        **headline(both, predictions),
        "interval": {"resamples": resamples, **interval(both, predictions, weights)},
        "thresholds_from": "the other half of the songs",
        "oracle": oracle(both),
    }


def _predictions_of_every_rule(scores: FloatArray, thresholds: Thresholds) -> dict[Rule, BoolArray]:
    """Predict with frozen thresholds. Labels do not reach this function, so nothing here can be tuned on them."""
    return {rule: thresholds.predict(scores, rule) for rule in RULES}


def _plots(split: Scored, predictions: BoolArray, found: Figures) -> dict[str, list[Row]]:
    truth = split.targets, predictions, split.observed
    return {
        "roc": roc_rows(split),
        "precision_recall": precision_recall_rows(split),
        "confusion": confusion_rows(*truth),
        "confusion_per_instrument": confusion_per_instrument_rows(*truth),
        "per_instrument": per_instrument_rows(split, predictions, found),
        "scores": score_rows(split),
    }


def write_evaluation(evaluation: Evaluation, metrics_path: Path, thresholds_path: Path, plots_folder: Path) -> None:
    """Write metrics and thresholds as JSON, and each plot's rows to `plots_folder`/<name>.json; each file atomically.

    Headline figures stand before the detailed ones. A plot has one row a line, so that its file stays small and its diff
    readable.

    Raises:
        ValueError: if a figure is not finite.
    """
    write_json(metrics_path, evaluation.metrics, sort_keys=False)
    write_json(thresholds_path, evaluation.thresholds.content(), sort_keys=False)
    for name, rows in evaluation.plots.items():
        lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in rows)
        write_text_atomically(plots_folder / f"{name}.json", f"[\n{lines}\n]\n")
