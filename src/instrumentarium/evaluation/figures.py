"""The figures of a split by name: what metrics/evaluate.json says of it.

A figure is a number rounded to six decimals, or None where it is undefined.
"""

from collections.abc import Mapping

import numpy as np

from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.bootstrap import (
    draw_weights,
    percentile_intervals,
    resampled_headline,
    resampled_per_instrument,
)
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.inputs import Scored
from instrumentarium.evaluation.thresholds import Rule, Thresholds
from instrumentarium.labels import BoolArray, FloatArray
from instrumentarium.taxonomy import CODES

Figures = dict[str, object]
DECIMALS = 6
DRAWN = {"f1": "f1_macro", "ap": "map_macro", "auroc": "auroc_macro"}
"""The measures of the plot of instruments, and the headline figure that is the mean of each."""


def figures(
    split: Scored, predictions: Mapping[Rule, BoolArray], thresholds: Thresholds, *, resamples: int, seed: int
) -> Figures:
    """Return every figure of a split: the headline, intervals, negatives, baselines, rules, per corpus, per instrument.

    Args:
        split: the clips.
        predictions: rule to (clips, instruments); those of `thresholds.rule` are the ones evaluated.
        thresholds: listed beside each instrument.
        resamples: of the bootstrap over recordings that gives the 95 % intervals.
        seed: of its draws.
    """
    chosen = predictions[thresholds.rule]
    weights = draw_weights(split.recordings, resamples, seed)
    truth = split.targets, chosen, split.observed
    ones, zeros = np.ones_like(chosen), np.zeros_like(chosen)
    return {
        **headline(split, chosen),
        "interval": {
            "resamples": resamples,
            **{
                name: {"low": rounded(float(low)), "high": rounded(float(high))}
                for name, (low, high) in percentile_intervals(resampled_headline(split, chosen, weights)).items()
            },
        },
        "instruments_with_positives": int((split.targets & split.observed).any(axis=0).sum()),
        "rule": thresholds.rule,
        "negatives": {
            "clips": int((split.observed.all(axis=1) & ~split.targets.any(axis=1)).sum()),
            "false_instrument_rate": rounded(m.false_instrument_rate(*truth)),
        },
        "baselines": {name: _f1_pair(split, each) for name, each in {"all_ones": ones, "all_zeros": zeros}.items()},
        "rules": {rule: _f1_pair(split, each) for rule, each in predictions.items()},
        "per_corpus": {
            str(corpus): headline(split.where(split.corpora == corpus), chosen[split.corpora == corpus])
            for corpus in np.unique(split.corpora)
        },
        "per_instrument": _per_instrument(split, chosen, thresholds.vector(), weights),
    }


def headline(split: Scored, predictions: BoolArray) -> Figures:
    """Return the figures that describe all clips of `split` together, and how many clips and recordings those are."""
    truth = split.targets, predictions, split.observed
    graded = split.targets, split.scores, split.observed
    values = {
        "f1_macro": m.f1_macro(*truth),
        "f1_micro": m.f1_micro(*truth),
        "f1_samples": m.f1_samples(*truth),
        "map_macro": r.map_macro(*graded),
        "auroc_macro": r.auroc_macro(*graded),
        "lrap": r.lrap(*graded),
        "hamming": m.hamming(*truth),
        "hamming_all_zeros": m.hamming_all_zeros(split.targets, split.observed),
        "exact_match": m.exact_match(*truth),
        "coverage_error": r.coverage_error(*graded),
        "brier": r.brier(*graded),
    }
    return {
        **{name: rounded(value) for name, value in values.items()},
        "clips": len(split.targets),
        "recordings": len(np.unique(split.recordings)),
    }


def _f1_pair(split: Scored, predictions: BoolArray) -> Figures:
    truth = split.targets, predictions, split.observed
    return {"f1_macro": rounded(m.f1_macro(*truth)), "f1_micro": rounded(m.f1_micro(*truth))}


def _per_instrument(
    split: Scored, predictions: BoolArray, thresholds: FloatArray, weights: FloatArray
) -> dict[str, Figures]:
    columns = {**_measures(split, predictions), "threshold": thresholds}
    ends = percentile_intervals(resampled_per_instrument(split, predictions, weights))
    present, absent = split.targets & split.observed, ~split.targets & split.observed
    return {
        code: {
            **{name: rounded(values[column]) for name, values in columns.items()},
            "positives": int(present[:, column].sum()),
            "negatives": int(absent[:, column].sum()),
            "unobserved": int((~split.observed[:, column]).sum()),
            "songs": len(np.unique(split.recordings[present[:, column]])),
            "interval": {
                name: {"low": rounded(low[column]), "high": rounded(high[column])} for name, (low, high) in ends.items()
            },
        }
        for column, code in enumerate(CODES)
    }


def per_instrument_rows(split: Scored, predictions: BoolArray, found: Figures) -> list[Row]:
    """Return plot rows, one an instrument, "macro" last: the figures, and the ends of the intervals of those drawn.

    Columns: instrument, f1, precision, recall, ap, auroc, positives, songs, and f1_low, f1_high, ap_low, … auroc_high.

    Args:
        split: the clips.
        predictions: (clips, instruments).
        found: what `figures` returned for them.
    """
    measures = _measures(split, predictions)
    present = split.targets & split.observed
    details, overall = found["per_instrument"], found["interval"]
    assert isinstance(details, Mapping)
    assert isinstance(overall, Mapping)
    rows: list[Row] = [
        {
            "instrument": code,
            **{name: rounded(values[column]) for name, values in measures.items()},
            "positives": int(present[:, column].sum()),
            "songs": len(np.unique(split.recordings[present[:, column]])),
            **_ends({name: details[code]["interval"][name] for name in DRAWN}),
        }
        for column, code in enumerate(CODES)
    ]
    means = {name: rounded(mean_of_defined(values)) for name, values in measures.items()}
    playing = present.any(axis=1)
    everything = {"positives": int(present.sum()), "songs": len(np.unique(split.recordings[playing]))}
    ends = _ends({name: overall[headline_name] for name, headline_name in DRAWN.items()})
    return [*rows, {"instrument": "macro", **means, **everything, **ends}]


def _ends(intervals: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    return {f"{name}_{end}": interval[end] for name, interval in intervals.items() for end in ("low", "high")}


def rounded(value: float) -> float | None:
    """Return `value` as files hold it: to six decimals, None for NaN."""
    return None if np.isnan(value) else round(float(value), DECIMALS)


def _measures(split: Scored, predictions: BoolArray) -> dict[str, FloatArray]:
    truth = split.targets, predictions, split.observed
    graded = split.targets, split.scores, split.observed
    return {
        "f1": m.f1_per_instrument(*truth),
        "precision": m.precision_per_instrument(*truth),
        "recall": m.recall_per_instrument(*truth),
        "ap": r.ap_per_instrument(*graded),
        "auroc": r.auroc_per_instrument(*graded),
    }
