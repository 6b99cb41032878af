"""The evaluation of systems side by side: thresholds from validation, then every metric and plot of validation and test.

Validation metrics are cross-fitted: the thresholds for a validation clip come from other validation recordings, so they are
comparable with those of test, and fit to select models by. On test, thresholds are applied that were chosen before it was
looked at. One system is the main one, by default the model: all metrics, plots and tables are of it. Of every other the
headline is computed in the same way, trivial systems included.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, IrmasTrainAbsent, label_arrays
from instrumentarium.clips.scored import ScoredClips, ScoredClipsError, concatenate, join_scores
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.checks import EvaluationError
from instrumentarium.evaluation.choosing import FOLDS, choose_thresholds, cross_fitted_predictions
from instrumentarium.evaluation.confusion import confusion_per_instrument_rows, confusion_rows
from instrumentarium.evaluation.curves import Row, precision_recall_rows, roc_rows
from instrumentarium.evaluation.headline import Values, headline
from instrumentarium.evaluation.histograms import score_rows
from instrumentarium.evaluation.parts import metrics_rows, metrics_table
from instrumentarium.evaluation.predictions import Predictions, apply_thresholds, cross_fit
from instrumentarium.evaluation.reliability import reliability_rows
from instrumentarium.evaluation.split_metrics import interval, oracle, per_instrument_rows, resample, split_metrics
from instrumentarium.evaluation.sweeps import threshold_rows
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.evaluation.thresholds import Rule, Thresholds
from instrumentarium.evaluation.trivial import HALVES, TRIVIAL_SYSTEMS, trivial_system
from instrumentarium.runtime.files import write_json, write_text_atomically
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.tables.taxonomy import Taxonomy

OTHER_HALF = "the other half of the recordings, cross-fitted"
OTHER_FOLDS = "other recordings of validation, cross-fitted"
DECIMALS = 4
"""Of what `dvc metrics` shows."""
OF_A_SYSTEM = (*catalogue.KEYS, "clips", "recordings", "interval", "rule", "thresholds_from")
"""What is listed of each system and split."""


@dataclass(frozen=True)
class SystemResult:
    """The headline of a system.

    Attributes:
        splits: split to the values of OF_A_SYSTEM.
        thresholds: chosen on its validation scores.
    """

    splits: Mapping[str, Values]
    thresholds: Thresholds


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        main: the name of the main system.
        metrics: split to the main system's values; None where one is undefined.
        systems: the name of every system, the main one first, to its headline.
        plots: plot name (of plots/evaluate/<name>.json) to rows, of the main system.
        table: the content of data/metrics.csv, of the main system.
    """

    main: str
    metrics: Mapping[str, Values]
    systems: Mapping[str, SystemResult]
    plots: Mapping[str, list[Row]]
    table: pd.DataFrame

    @property
    def thresholds(self) -> Thresholds:
        """The content of data/thresholds.json, of the main system."""
        return self.systems[self.main].thresholds

    def declared(self) -> dict[str, float | None]:
        """Return what metrics/evaluate.json holds: little enough for `dvc metrics` and `dvc exp show` to be readable."""
        test, validation = self.metrics["test"], self.metrics.get("validation", {})
        selected = f"validation_{catalogue.SELECTED_BY}"
        return {
            **{key: _short(test[key]) for key in catalogue.DECLARED},
            selected: _short(validation.get(catalogue.SELECTED_BY)),
        }

    def instruments(self) -> dict[str, dict[str, float | None]]:
        """Return what metrics/instruments.json holds: code to a few metrics of the instrument on test."""
        detail = self.metrics["test"]["per_instrument"]
        assert isinstance(detail, Mapping)
        return {
            code: {key: _short(found[key]) for key in catalogue.IN_INSTRUMENTS_FILE} for code, found in detail.items()
        }

    def content(self) -> dict[str, object]:
        """Return what data/evaluation.json holds; of a system its metrics on test, and below them those on validation."""
        systems = {
            name: {
                **found.splits["test"],
                **{split: values for split, values in found.splits.items() if split != "test"},
                "thresholds": found.thresholds.content(),
            }
            for name, found in self.systems.items()
        }
        return {**self.metrics, "systems": systems}

    def summary(self) -> str:
        """Return one line about the test split."""
        test = self.metrics["test"]
        shown = [metric for metric in catalogue.METRICS if metric.brief and metric.declared]
        values = ", ".join(f"{metric.label} {_with_interval(test, metric.key)}" for metric in shown)
        return (
            f"{values} on {test['clips']} test clips of {test['recordings']} recordings, "
            f"{self.thresholds.rule} thresholds from {test['thresholds_from']}"
        )


def _short(value: object) -> float | None:
    assert value is None or isinstance(value, int | float)
    return None if value is None else round(float(value), DECIMALS)


def _with_interval(values: Values, key: str) -> str:
    """Return a value and its 95 % interval as text, such as "0.612 (0.55-0.67)"."""
    if values[key] is None:
        return "undefined"
    ends = values["interval"]
    assert isinstance(ends, Mapping)
    return f"{values[key]:.3f} ({ends[key]['low']:.2f}-{ends[key]['high']:.2f})"


def evaluate(
    systems: Mapping[str, pd.DataFrame],
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    split: pd.DataFrame,
    taxonomy: Taxonomy,
    *,
    rule: Rule,
    irmas_train_absent: IrmasTrainAbsent,
    resamples: int,
    seed: int,
) -> Evaluation:
    """Evaluate the scores of systems against labels; the main one is MODEL.

    Args:
        systems: name to scores: columns clip_id and one an instrument, probabilities; for the clips of validation and test.
        clips: columns clip_id, corpus, official_split, genre, group; all clips that labels speak of.
        labels: columns clip_id, instrument, relevance.
        split: columns clip_id, split, recording_id.
        taxonomy: the instruments.
        rule: which of the thresholds chosen on validation make the predictions.
        irmas_train_absent: see `label_arrays`.
        resamples: of the bootstrap over recordings that gives the 95 % intervals.
        seed: any whole number; the draws for test and validation are independent.

    Raises:
        EvaluationError: if MODEL is missing, a system has the name of a trivial one, or there is too little to choose
            thresholds on.
        ScoredClipsError: if the tables do not belong together; the message names the system.
        LabelError: if the labels do not belong to the clips or the taxonomy.
        ValueError: if scores are not probabilities.
    """
    if MODEL not in systems:
        raise EvaluationError(
            f"there are no scores of the system {MODEL!r}, found {', '.join(sorted(systems)) or 'none'}; "
            "run `dvc repro score`"
        )
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent=irmas_train_absent)
    scored = {}
    for name, scores in systems.items():
        try:
            joined = join_scores(scores, clips, known, split, taxonomy.codes)
        except ScoredClipsError as error:
            raise ScoredClipsError(f"system {name}: {error}") from error
        scored[name] = joined.of_split("test"), joined.of_split("validation")
    return evaluate_systems(scored, MODEL, rule=rule, resamples=resamples, seed=seed)


ScoredSplits = tuple[ScoredClips, ScoredClips | None]
"""The clips of test and, where there are such, those of validation, with the scores of one system."""


def evaluate_systems(
    systems: Mapping[str, ScoredSplits], main: str, *, rule: Rule, resamples: int, seed: int
) -> Evaluation:
    """Evaluate systems on the same clips, and the trivial ones beside them.

    Without validation clips, the thresholds for each half of test's recordings are chosen on the other half; what
    `SystemResult.thresholds` then holds was chosen on all of test, for use on other clips, and is applied to none here.

    Args:
        systems: name to scored clips: those to report on, and those of other recordings to choose thresholds on.
        main: the system that all metrics and plots are of.
        rule: which of the thresholds make the predictions.
        resamples: of the bootstrap over recordings that gives the 95 % intervals.
        seed: any whole number; the draws for test and validation are independent.

    Raises:
        EvaluationError: if there is too little to choose thresholds on, or a system has the name of a trivial one.
        ValueError: if scores are not probabilities.
    """
    clashing = sorted(set(systems) & set(TRIVIAL_SYSTEMS))
    if clashing:
        raise EvaluationError(f"{clashing[0]!r} is the name of a trivial system; rename the table of scores")
    test, validation = systems[main]
    every = {
        main: systems[main],
        **{name: systems[name] for name in sorted(set(systems) - {main})},
        **{name: trivial_system(name, test, validation, seed) for name in TRIVIAL_SYSTEMS},
    }
    weights = {
        name: draw_weights(clips.recordings, resamples, derive_seed(seed, f"bootstrap {name}"))
        for name, clips in (("test", test), ("validation", validation))
        if clips is not None
    }
    thresholds, splits = predict_splits(systems[main], rule)
    metrics = {
        name: split_metrics(clips, predicted, weights[name], seed) for name, (clips, predicted) in splits.items()
    }
    results = {main: SystemResult({name: _of_a_system(values) for name, values in metrics.items()}, thresholds)}
    for system in list(every)[1:]:
        results[system] = _system_result(every[system], rule, weights, seed)
    if validation is not None:
        metrics["test"]["official_irmas"] = _official_irmas_test(
            validation, test, rule, resamples, derive_seed(seed, "bootstrap irmas")
        )
    tables = [metrics_rows(name, clips, each.chosen, weights[name]) for name, (clips, each) in splits.items()]
    plots = {
        **_plots(test, splits["test"][1].chosen, metrics["test"], weights["test"]),
        "thresholds": threshold_rows(test if validation is None else validation, thresholds),
    }
    return Evaluation(main, metrics, results, plots, pd.concat(tables, ignore_index=True))


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


def _system_result(scored: ScoredSplits, rule: Rule, weights: Mapping[str, FloatArray], seed: int) -> SystemResult:
    thresholds, splits = predict_splits(scored, rule)
    values = {
        name: {
            **headline(clips, predicted.chosen),
            "interval": {
                "resamples": len(weights[name]),
                "seed": seed,
                **interval(resample(clips, predicted.chosen, weights[name])),
            },
            "rule": predicted.rule,
            "thresholds_from": predicted.source,
        }
        for name, (clips, predicted) in splits.items()
    }
    return SystemResult({name: _of_a_system(found) for name, found in values.items()}, thresholds)


def _of_a_system(values: Values) -> Values:
    return {key: values[key] for key in OF_A_SYSTEM}


def _official_irmas_test(validation: ScoredClips, test: ScoredClips, rule: Rule, resamples: int, seed: int) -> Values:
    """Return the headline of all scored clips of the official IRMAS test set, of both splits, for published tables.

    The songs are parted into halves, and the thresholds for each come from the other. The model's best epoch was chosen
    by the validation clips among them, which flatters it a little; `test` is free of that. A clip of IRMAS's training set
    that shares a recording with test clips is in their split, but is none of the official test set; test songs that
    `split.irmas_test_songs` gave to training are not scored.
    """
    both = concatenate([each.where(_of_official_irmas_test(each)) for each in (validation, test)])
    recordings = len(set(both.recordings.tolist()))
    if recordings < 2 or not (both.targets & both.observed).any():
        return {"clips": len(both), "recordings": recordings}
    truth = both.targets, both.scores, both.observed, both.recordings
    predictions = cross_fitted_predictions(*truth, folds=2)[rule]
    weights = draw_weights(both.recordings, resamples, seed)
    return {
        **headline(both, predictions),
        "interval": {"resamples": resamples, **interval(resample(both, predictions, weights))},
        "thresholds_from": "the other half of the songs",
        "oracle": oracle(both),
    }


def _of_official_irmas_test(split: ScoredClips) -> BoolArray:
    return np.asarray((split.corpora == "irmas") & (split.official_splits == "test"))


def _plots(split: ScoredClips, predictions: BoolArray, found: Values, weights: FloatArray) -> dict[str, list[Row]]:
    confusion = confusion_rows(split, predictions)
    return {
        "roc": roc_rows(split),
        "precision_recall": precision_recall_rows(split),
        "confusion": confusion,
        "confusion_counts": confusion,  # DVC draws one plot from a file: that of this one writes counts
        "confusion_per_instrument": confusion_per_instrument_rows(split, predictions),
        "per_instrument": per_instrument_rows(split, predictions, found),
        "scores": score_rows(split),
        "reliability": reliability_rows(split, weights),
    }


def write_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    metrics: Path,
    instruments: Path,
    content: Path,
    thresholds: Sequence[Path],
    table: Path,
    plots: Path,
    model_sha256: str | None = None,
) -> None:
    """Write an evaluation, each file atomically.

    A plot has one row a line, so that its file stays small and its diff readable.

    Args:
        evaluation: what to write.
        taxonomy: the instruments, by whose names plots go.
        metrics: the JSON file of the few metrics that DVC shows.
        instruments: the JSON file of those of each instrument.
        content: the JSON file of everything.
        thresholds: the JSON files of the main system's thresholds, all of one content.
        table: the CSV file of every metric of every part.
        plots: the folder for each plot's rows, as <name>.json.
        model_sha256: of the description of the model that the main system is, for its thresholds.

    Raises:
        ValueError: if a value is not finite.
    """
    write_json(metrics, evaluation.declared(), sort_keys=False)
    write_json(instruments, evaluation.instruments(), sort_keys=False)
    write_json(content, evaluation.content(), sort_keys=False)
    for path in thresholds:
        evaluation.thresholds.write(path, model_sha256)
    metrics_table(evaluation.thresholds.codes).write(table, evaluation.table)
    for name, rows in evaluation.plots.items():
        named = taxonomy.named(rows)
        lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in named)
        write_text_atomically(plots / f"{name}.json", f"[\n{lines}\n]\n")
