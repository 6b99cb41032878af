"""The evaluation of systems side by side: thresholds from validation, then every metric and plot of validation and test.

Validation metrics are cross-fitted: the thresholds for a validation clip come from other validation recordings, so they are
comparable with those of test, and fit to select models by. On test, thresholds are applied that were chosen before it was
looked at. One system is the main one, by default the model: all metrics, plots and tables are of it. Of every other the
headline is computed in the same way, trivial systems included, and how it differs from the main one, paired by recording.
"""

from collections.abc import Mapping

import pandas as pd
from threadpoolctl import threadpool_limits

from instrumentarium.clips.labels import BoolArray, FloatArray, IrmasTrainAbsent, label_arrays
from instrumentarium.clips.scored import ScoredClips, ScoredClipsError, join_scores
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.checks import EvaluationError
from instrumentarium.evaluation.confusion import confusion_per_instrument_rows, confusion_rows
from instrumentarium.evaluation.curves import Row, precision_recall_rows, roc_rows
from instrumentarium.evaluation.headline import Values, headline
from instrumentarium.evaluation.histograms import score_rows
from instrumentarium.evaluation.official import official_irmas_test
from instrumentarium.evaluation.parts import metrics_rows
from instrumentarium.evaluation.predictions import Predictions, ScoredSplits, predict_splits
from instrumentarium.evaluation.reliability import reliability_rows
from instrumentarium.evaluation.results import OF_A_SYSTEM, Evaluation, SystemResult
from instrumentarium.evaluation.significance import Answers, paired_differences, resampled_values
from instrumentarium.evaluation.split_metrics import interval, per_instrument_rows, resample, split_metrics
from instrumentarium.evaluation.sweeps import threshold_rows
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.evaluation.thresholds import Rule
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS, trivial_system
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.runtime.workers import map_in_order, worker_pool
from instrumentarium.tables.taxonomy import Taxonomy

AGAINST_MAIN = "against main"
"""What the seed of the differences from the main system is derived for."""


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
    with threadpool_limits(limits=1):  # systems share the cores: threads within a sum would mostly wait for each other
        return _evaluated(systems, main, rule, resamples, seed)


def _evaluated(systems: Mapping[str, ScoredSplits], main: str, rule: Rule, resamples: int, seed: int) -> Evaluation:
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
    others = list(every)[1:]
    answers = Answers(splits["test"][0], splits["test"][1].chosen)
    of_main = resampled_values(answers, resamples=resamples, seed=derive_seed(seed, AGAINST_MAIN))
    with worker_pool("threads") as pool:
        found = map_in_order(
            pool,
            lambda system: _system_result(every[system], splits["test"], of_main, rule, weights, seed),
            others,
            "systems",
        )
        results |= dict(zip(others, found, strict=True))
    if validation is not None:
        metrics["test"]["official_irmas"] = official_irmas_test(
            validation, test, rule, resamples, derive_seed(seed, "bootstrap irmas")
        )
    tables = [metrics_rows(name, clips, each.chosen, weights[name]) for name, (clips, each) in splits.items()]
    plots = {
        **_plots(test, splits["test"][1].chosen, metrics["test"], weights["test"]),
        "thresholds": threshold_rows(test if validation is None else validation, thresholds),
    }
    return Evaluation(main, metrics, results, plots, pd.concat(tables, ignore_index=True))


def _system_result(
    scored: ScoredSplits,
    main: tuple[ScoredClips, Predictions],
    of_main: Mapping[str, FloatArray],
    rule: Rule,
    weights: Mapping[str, FloatArray],
    seed: int,
) -> SystemResult:
    """Return the headline of a system, and on test how it differs from the main one, whose test clips `main` are."""
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
    differences = paired_differences(
        *(Answers(clips, predicted.chosen) for clips, predicted in (main, splits["test"])),
        resamples=len(weights["test"]),
        permutations=len(weights["test"]),
        seed=derive_seed(seed, AGAINST_MAIN),
        of_a=of_main,
    )
    return SystemResult(
        {name: _of_a_system(found) for name, found in values.items()}, thresholds, differences.headline()
    )


def _of_a_system(values: Values) -> Values:
    return {key: values[key] for key in OF_A_SYSTEM}


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
