"""The evaluation of a model: thresholds from validation, then every figure and plot of validation and test.

Validation figures are cross-fitted: the thresholds a validation clip is judged by come from other validation recordings, so
they are comparable with those of test, and fit to choose models by. Test is judged by thresholds that were frozen before it
was looked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, IrmasTrainAbsent, label_arrays
from instrumentarium.evaluation.baselines import prevalence
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.choosing import FOLDS, choose_thresholds, cross_fitted_predictions
from instrumentarium.evaluation.confusion import confusion_per_instrument_rows, confusion_rows
from instrumentarium.evaluation.curves import Row, precision_recall_rows, roc_rows
from instrumentarium.evaluation.figures import figures, interval, oracle, per_instrument_rows
from instrumentarium.evaluation.headline import Figures, headline
from instrumentarium.evaluation.histograms import score_rows
from instrumentarium.evaluation.inputs import Scored, join, scored_splits
from instrumentarium.evaluation.judging import Judgement, judge_by_frozen, judge_by_others
from instrumentarium.evaluation.parts import FIGURES, figure_table
from instrumentarium.evaluation.reliability import reliability_rows
from instrumentarium.evaluation.sweeps import threshold_rows
from instrumentarium.evaluation.thresholds import Rule, Thresholds
from instrumentarium.runtime.files import write_json, write_text_atomically
from instrumentarium.runtime.seeds import derive_seed

OTHER_HALF = "the other half of the recordings, cross-fitted"
OTHER_FOLDS = "other recordings of validation, cross-fitted"
HEADLINE = (
    *("f1_macro", "f1_micro", "f1_samples", "map_macro", "auroc_macro", "lrap", "exact_match", "hamming"),
    *("coverage_error", "brier", "ece_mean", "false_instrument_rate"),
)
"""What `dvc metrics diff` shows first."""
CHOSEN_BY = ("f1_macro", "map_macro")
"""Figures of validation, by which experiments are chosen, that it shows with them."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        metrics: split to its figures; None where one is undefined.
        thresholds: the content of data/thresholds.json.
        plots: plot name (of plots/evaluate/<name>.json) to rows.
        table: the content of data/figures.csv.
    """

    metrics: Mapping[str, Figures]
    thresholds: Thresholds
    plots: Mapping[str, list[Row]]
    table: pd.DataFrame

    def content(self) -> dict[str, Figures]:
        """Return what metrics/evaluate.json holds.

        `dvc metrics diff` sorts a file's figures by name, so it shows "headline" above all that "test" holds. Its figures
        stand in "test" and "validation" as well.
        """
        test, validation = self.metrics["test"], self.metrics.get("validation")
        first = {name: test[name] for name in HEADLINE}
        if validation is not None:
            first |= {f"validation_{name}": validation[name] for name in CHOSEN_BY}
        return {"headline": first, **self.metrics}

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
            f"{self.thresholds.rule} thresholds from {test['thresholds_from']} out"
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
    return evaluate_splits(splits["test"], splits["validation"], rule=rule, resamples=resamples, seed=seed)


def evaluate_splits(test: Scored, validation: Scored | None, *, rule: Rule, resamples: int, seed: int) -> Evaluation:
    """Evaluate a system's scores on test.

    Without validation clips, each half of test's recordings is judged by thresholds chosen on the other half; what
    `Evaluation.thresholds` then holds was chosen on all of test, for use on other clips, and judges none here.

    Args:
        test: the clips to report on.
        validation: the clips to choose thresholds on, of other recordings; None if there are none.
        rule: which of the thresholds make the predictions.
        resamples: of the bootstrap over recordings that gives the 95 % intervals.
        seed: any whole number; the draws for test and validation are independent.

    Raises:
        EvaluationError: if there is too little to choose thresholds on.
        ValueError: if scores are not probabilities.
    """
    choosing = test if validation is None else validation
    thresholds = choose_thresholds(
        choosing.targets,
        choosing.scores,
        choosing.observed,
        choosing.recordings,
        rule=rule,
        chosen_from="test" if validation is None else "validation",
    )
    splits: dict[str, tuple[Scored, Judgement]] = {}
    if validation is None:
        splits["test"] = test, judge_by_others(test, rule, 2, OTHER_HALF)
    else:
        splits["test"] = test, judge_by_frozen(test.scores, thresholds, prevalence(validation))
        splits["validation"] = validation, judge_by_others(validation, rule, FOLDS, OTHER_FOLDS, thresholds)
    weights = {
        name: draw_weights(part.recordings, resamples, derive_seed(seed, f"bootstrap {name}"))
        for name, (part, _) in splits.items()
    }
    metrics = {name: figures(part, judgement, weights[name], seed) for name, (part, judgement) in splits.items()}
    if validation is not None:
        metrics["test"]["official_irmas"] = _official_irmas_test(
            validation, test, rule, resamples, derive_seed(seed, "bootstrap irmas")
        )
    tables = [figure_table(name, part, judgement.chosen, weights[name]) for name, (part, judgement) in splits.items()]
    plots = {
        **_plots(test, splits["test"][1].chosen, metrics["test"], weights["test"]),
        "thresholds": threshold_rows(choosing, thresholds),
    }
    return Evaluation(metrics, thresholds, plots, pd.concat(tables, ignore_index=True))


def _official_irmas_test(validation: Scored, test: Scored, rule: Rule, resamples: int, seed: int) -> Figures:
    """Return the headline of all scored clips of the official IRMAS test set, of both splits, for published tables.

    The songs are parted into halves, and the thresholds for each come from the other. The model's best epoch was chosen
    by the validation clips among them, which flatters it a little; `test` is free of that. A clip of IRMAS's training set
    that shares a recording with test clips is judged with them, but is none of the official test set; test songs that
    `split.irmas_test_songs` gave to training are not scored.
    """
    both = join([each.where(_of_official_irmas_test(each)) for each in (validation, test)])
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


def _of_official_irmas_test(split: Scored) -> BoolArray:
    official = np.full(len(split.targets), "") if split.official_splits is None else split.official_splits
    return np.asarray((split.corpora == "irmas") & (official == "test"))


def _plots(split: Scored, predictions: BoolArray, found: Figures, weights: FloatArray) -> dict[str, list[Row]]:
    truth = split.targets, predictions, split.observed
    confusion = confusion_rows(*truth)
    return {
        "roc": roc_rows(split),
        "precision_recall": precision_recall_rows(split),
        "confusion": confusion,
        "confusion_counts": confusion,  # DVC draws one plot from a file: that of this one writes counts
        "confusion_per_instrument": confusion_per_instrument_rows(*truth),
        "per_instrument": per_instrument_rows(split, predictions, found),
        "scores": score_rows(split),
        "reliability": reliability_rows(split, weights),
    }


def write_evaluation(
    evaluation: Evaluation, metrics_path: Path, thresholds_path: Path, table_path: Path, plots_folder: Path
) -> None:
    """Write metrics and thresholds as JSON, the table as CSV, each plot's rows to `plots_folder`/<name>.json; atomically.

    A plot has one row a line, so that its file stays small and its diff readable.

    Raises:
        ValueError: if a figure is not finite.
    """
    write_json(metrics_path, evaluation.content(), sort_keys=False)
    write_json(thresholds_path, evaluation.thresholds.content(), sort_keys=False)
    FIGURES.write(table_path, evaluation.table)
    for name, rows in evaluation.plots.items():
        lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in rows)
        write_text_atomically(plots_folder / f"{name}.json", f"[\n{lines}\n]\n")
