"""How closely the metrics equal scikit-learn's on random arrays: one line of JSON.

Each case has 1 to 39 clips and 2 to 7 instruments; scores are rounded in three quarters of the cases, so that many tie;
each instrument plays in none, few, most or all of the clips; 20, 70 or 100 % of the pairs are observed. scikit-learn knows
no mask, so it gets the observed pairs of each instrument or of all together, and in metrics over clips an unobserved
instrument where it changes nothing; what it leaves undefined must be NaN here. Printed are how many `cases` and
`comparisons` there were, by metric the `largest_difference`, over all the `largest`, and whether that is `within` 1e-12;
the exit status is 1 where it is not.
"""

import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import sklearn
import sklearn.metrics as sk
import typer
from sklearn.exceptions import UndefinedMetricWarning

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation import calibration as c
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.runtime.stage import run

WITHIN = 1e-12
NAN = float("nan")
Case = tuple[BoolArray, BoolArray, FloatArray, BoolArray]


def draw_case(rng: np.random.Generator) -> Case:
    """Return targets, predictions, scores and observed, each (clips, instruments)."""
    clips, instruments = int(rng.integers(1, 40)), int(rng.integers(2, 8))
    targets = rng.random((clips, instruments)) < rng.choice([0.0, 0.1, 0.4, 0.9, 1.0], size=instruments)
    scores = rng.random((clips, instruments))
    if rng.random() < 0.75:
        scores = np.round(scores, int(rng.integers(0, 3)))
    observed = rng.random((clips, instruments)) < rng.choice([0.2, 0.7, 1.0])
    return targets, scores >= rng.choice([0.1, 0.5, 0.9]), scores, observed


def mean(values: list[float]) -> float:
    """Return the mean of the values that are defined; NaN where there is none."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else NAN


def pairs_of(case: Case) -> Iterator[tuple[str, float, float]]:
    """Yield (metric, ours, scikit-learn's) for every metric of a case."""
    targets, predictions, scores, observed = case
    truth, graded = (targets, predictions, observed), (targets, scores, observed)
    columns: dict[str, list[float]] = {name: [] for name in ("f1", "precision", "recall", "ap", "auroc", "brier")}
    for column, seen in enumerate(observed.T):
        target, given, score = targets[seen, column], predictions[seen, column], scores[seen, column]
        some, both = bool(target.any()), bool(target.any() and not target.all())
        precision, recall, f1 = NAN, NAN, NAN
        if some or given.any():
            precision, recall, f1, _ = sk.precision_recall_fscore_support(
                target, given, average="binary", pos_label=True, zero_division=np.nan
            )
        columns["f1"].append(f1 if some else NAN)
        columns["precision"].append(precision if given.any() else NAN)
        columns["recall"].append(recall if some else NAN)
        columns["ap"].append(sk.average_precision_score(target, score) if some else NAN)
        columns["auroc"].append(sk.roc_auc_score(target, score) if both else NAN)
        columns["brier"].append(sk.mean_squared_error(target.astype(float), score) if seen.any() else NAN)
    ours = {
        "f1": m.f1_per_instrument(*truth),
        "precision": m.precision_per_instrument(*truth),
        "recall": m.recall_per_instrument(*truth),
        "ap": r.ap_per_instrument(*graded),
        "auroc": r.auroc_per_instrument(*graded),
        "brier": c.brier_per_instrument(*graded),
    }
    for name, values in ours.items():
        yield from ((f"{name}_per_instrument", float(a), b) for a, b in zip(values, columns[name], strict=True))
    yield "f1_macro", m.f1_macro(*truth), mean(columns["f1"])
    yield "map_macro", r.map_macro(*graded), mean(columns["ap"])
    yield "auroc_macro", r.auroc_macro(*graded), mean(columns["auroc"])
    target, given, score = targets[observed], predictions[observed], scores[observed]
    yield "f1_micro", m.f1_micro(*truth), sk.f1_score(target, given) if target.any() else NAN
    yield "hamming", m.hamming(*truth), 1 - sk.hamming_loss(target, given) if len(target) else NAN
    zeros = np.zeros_like(target)
    yield (
        "hamming_all_zeros",
        m.hamming_all_zeros(targets, observed),
        sk.accuracy_score(target, zeros) if len(target) else NAN,
    )
    yield "brier", r.brier(*graded), sk.mean_squared_error(target.astype(float), score) if len(target) else NAN
    yield from _by_clip(case)


def _by_clip(case: Case) -> Iterator[tuple[str, float, float]]:
    """Yield the metrics that are means over clips.

    To scikit-learn an unobserved instrument is absent, not predicted, and ranked below all others, where it changes
    no clip's value. One more such instrument keeps a single one from being read as binary labels.
    """
    targets, predictions, scores, observed = case
    truth, graded = (targets, predictions, observed), (targets, scores, observed)
    target = np.pad(targets & observed, ((0, 0), (0, 1)))
    given = np.pad(predictions & observed, ((0, 0), (0, 1)))
    score = np.pad(np.where(observed, scores, -1.0), ((0, 0), (0, 1)), constant_values=-1.0)
    plays, seen = target.any(axis=1), observed.any(axis=1)
    silent = observed.all(axis=1) & ~plays
    some = bool(plays.any())
    nothing = np.zeros(int(silent.sum()), dtype=np.bool_)
    found = {
        "f1_samples": sk.f1_score(target[plays], given[plays], average="samples") if some else NAN,
        "lrap": sk.label_ranking_average_precision_score(target[plays], score[plays]) if some else NAN,
        "coverage_error": sk.coverage_error(target[plays], score[plays]) if some else NAN,
        "exact_match": sk.accuracy_score(target[seen], given[seen]) if seen.any() else NAN,
        "false_instrument_rate": 1 - sk.accuracy_score(nothing, given[silent].any(axis=1)) if silent.any() else NAN,
    }
    for metric in (m.f1_samples, m.exact_match, m.false_instrument_rate):
        yield metric.__name__, metric(*truth), found[metric.__name__]
    for ranking in (r.lrap, r.coverage_error):
        yield ranking.__name__, ranking(*graded), found[ranking.__name__]


def main(
    cases: Annotated[int, typer.Option(min=1, help="Random cases.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the cases.")] = 0,
) -> None:
    """Compare every metric with scikit-learn's on random cases, and print one line of JSON."""
    warnings.simplefilter("ignore", UndefinedMetricWarning)
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)  # which takes longer than the metrics
    rng, start = np.random.default_rng(seed), time.perf_counter()
    largest: dict[str, float] = {}
    comparisons = undefined = 0
    for _ in range(cases):
        for name, ours, theirs in pairs_of(draw_case(rng)):
            if np.isnan(ours) != np.isnan(theirs):
                difference = float("inf")  # one is defined where the other is not
            elif np.isnan(ours):
                difference, undefined = 0.0, undefined + 1
            else:
                difference = abs(ours - theirs) / max(1.0, abs(theirs))
            largest[name] = max(largest.get(name, 0.0), difference)
            comparisons += 1
    worst = max(largest.values())
    found = {
        "cases": cases,
        "comparisons": comparisons,
        "undefined_in_both": undefined,
        "largest": worst if np.isfinite(worst) else "undefined on one side",
        "within": worst <= WITHIN,
        "largest_difference": {name: value if np.isfinite(value) else None for name, value in sorted(largest.items())},
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(found))
    if worst > WITHIN:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
