"""The figures of a split by name: what metrics/evaluate.json says of it (docs/evaluation.md lists them)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.baselines import baselines
from instrumentarium.evaluation.bootstrap import (
    percentile_intervals,
    resampled_brier,
    resampled_headline,
    resampled_per_instrument,
)
from instrumentarium.evaluation.calibration import brier_per_instrument, ece_mean, ece_per_instrument, nll
from instrumentarium.evaluation.calibration_intervals import ece_deviations
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.choosing import best_threshold
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import Figures, headline, rounded
from instrumentarium.evaluation.inputs import Scored
from instrumentarium.evaluation.judging import Judgement
from instrumentarium.tables.taxonomy import CODES

MEASURES = ("f1", "precision", "recall", "ap", "auroc")
COUNTS = ("positives", "negatives", "unobserved", "songs")
DRAWN = {"f1": "f1_macro", "ap": "map_macro", "auroc": "auroc_macro"}
"""The measures of the plot of instruments, and the headline figure that is the mean of each."""


def figures(split: Scored, judgement: Judgement, weights: FloatArray, seed: int) -> Figures:
    """Return every figure of a split: headline, intervals, negatives, calibration, baselines, parts, per instrument.

    Args:
        split: the clips.
        judgement: what they are judged by.
        weights: (resamples, clips), of `draw_weights`, for the 95 % intervals.
        seed: that they were derived from, to be stated.
    """
    chosen = judgement.chosen
    detail = resampled_per_instrument(split, chosen, weights)
    intervals = interval(split, chosen, weights, detail)
    return {
        **headline(split, chosen),
        "interval": {"resamples": len(weights), "seed": seed, **intervals},
        "instruments_with_positives": int((split.targets & split.observed).any(axis=0).sum()),
        "rule": judgement.rule,
        "thresholds_from": judgement.source,
        "negatives": {**_negatives(split, chosen), "interval": intervals["false_instrument_rate"]},
        "calibration": _calibration(split, judgement, weights),
        "oracle": oracle(split),
        "baselines": baselines(split, judgement.prior),
        "rules": {rule: _f1_pair(split, each) for rule, each in judgement.predictions.items()},
        "per_corpus": _by(split, chosen, split.corpora),
        "by_labels": _by(split, chosen, (split.targets & split.observed).sum(axis=1).astype(np.str_)),
        "by_genre": _by(split, chosen, genres_of(split)),
        "per_instrument": _per_instrument(split, judgement, detail),
    }


def interval(
    split: Scored, predictions: BoolArray, weights: FloatArray, detail: Mapping[str, FloatArray] | None = None
) -> dict[str, dict[str, float | None]]:
    """Return the ends of each headline figure's 95 % interval; the arguments are those of `resampled_headline`."""
    return {
        name: {"low": rounded(float(low)), "high": rounded(float(high))}
        for name, (low, high) in headline_ends(split, predictions, weights, detail).items()
    }


def headline_ends(
    split: Scored, predictions: BoolArray, weights: FloatArray, detail: Mapping[str, FloatArray] | None = None
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return low and high end of each headline figure's 95 % interval, NaN where it is undefined."""
    ends = percentile_intervals(resampled_headline(split, predictions, weights, detail))
    low, high = ece_deviations(split, weights).mean().interval()
    return {**ends, "ece_mean": (low[0], high[0])}


def calibration_ends(split: Scored, weights: FloatArray) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return the ends of the 95 % intervals of each instrument's "ece" and "brier", each (instruments,)."""
    brier = percentile_intervals({"brier": resampled_brier(split, weights)})
    return {"ece": ece_deviations(split, weights).interval(), **brier}


def oracle(split: Scored) -> Figures:
    """Return what thresholds tuned on these very clips would reach: a bound, and no result."""
    best = [best_threshold(points) for points in r.points_per_instrument(split.targets, split.scores, split.observed)]
    found = split.scores >= np.array([np.inf if threshold is None else threshold for threshold in best])
    return {**_f1_pair(split, found), "thresholds_from": "the very clips judged: an upper bound, no result"}


def genres_of(split: Scored) -> npt.NDArray[np.str_]:
    """Return the genre of each clip, (clips,), "" where none is stated; categories of grouped sounds are no genres."""
    genres = np.full(len(split.targets), "") if split.genres is None else split.genres
    return np.where(_groups(split) == "", genres, "")


def _groups(split: Scored) -> npt.NDArray[np.str_]:
    return np.full(len(split.targets), "") if split.groups is None else split.groups


def _by(split: Scored, predictions: BoolArray, groups: npt.NDArray[np.str_]) -> dict[str, Figures]:
    """Return the headline of each group of clips; those in the group without a name are left out."""
    return {
        str(group): headline(split.where(groups == group), predictions[groups == group])
        for group in np.unique(groups)
        if group
    }


def _negatives(split: Scored, predictions: BoolArray) -> Figures:
    """Return how often clips known to hold no instrument are given one, by the group of their sound."""
    false = m.false_instrument_per_clip(split.targets, predictions, split.observed)
    empty = ~np.isnan(false)
    groups = np.where(_groups(split) == "", "uncategorised", _groups(split))
    return {
        "clips": int(empty.sum()),
        "false_instrument_rate": rounded(mean_of_defined(false)),
        "by_group": {
            str(group): {
                "clips": int((groups[empty] == group).sum()),
                "false_instrument_rate": rounded(float(false[empty & (groups == group)].mean())),
            }
            for group in np.unique(groups[empty])
        },
        "given": {code: int(predictions[empty, column].sum()) for column, code in enumerate(CODES)},
    }


def _calibration(split: Scored, judgement: Judgement, weights: FloatArray) -> Figures:
    """Return what the scores are worth as probabilities, as they are and after the temperature."""
    found: Figures = {"temperature": judgement.temperature}
    for suffix, scores in (("", split.scores), ("_scaled", judgement.scaled)):
        graded = split.targets, scores, split.observed
        found[f"ece_mean{suffix}"] = rounded(ece_mean(*graded))
        found[f"brier{suffix}"] = rounded(r.brier(*graded))
        found[f"nll{suffix}"] = rounded(nll(*graded))
    graded = split.targets, split.scores, split.observed
    values = {"ece": ece_per_instrument(*graded), "brier": brier_per_instrument(*graded)}
    ends = calibration_ends(split, weights)
    found["per_instrument"] = {
        code: {
            **{name: rounded(each[column]) for name, each in values.items()},
            "interval": {
                name: {"low": rounded(low[column]), "high": rounded(high[column])} for name, (low, high) in ends.items()
            },
        }
        for column, code in enumerate(CODES)
    }
    return found


def _f1_pair(split: Scored, predictions: BoolArray) -> Figures:
    truth = split.targets, predictions, split.observed
    return {"f1_macro": rounded(m.f1_macro(*truth)), "f1_micro": rounded(m.f1_micro(*truth))}


def _per_instrument(split: Scored, judgement: Judgement, resampled: Mapping[str, FloatArray]) -> dict[str, Figures]:
    ends = percentile_intervals(resampled)
    thresholds = np.full(len(CODES), np.nan) if judgement.thresholds is None else judgement.thresholds
    return {
        code: {
            **{name: found[name] for name in MEASURES},
            "threshold": rounded(thresholds[column]),
            **{name: found[name] for name in COUNTS},
            "interval": {
                name: {"low": rounded(low[column]), "high": rounded(high[column])} for name, (low, high) in ends.items()
            },
        }
        for column, (code, found) in enumerate(details(split, judgement.chosen).items())
    }


def details(split: Scored, predictions: BoolArray) -> dict[str, dict[str, float | None]]:
    """Return the figures of each instrument by its code: measures, calibration and counts."""
    graded = split.targets, split.scores, split.observed
    columns = {
        **_measures(split, predictions),
        "ece": ece_per_instrument(*graded),
        "brier": brier_per_instrument(*graded),
    }
    present, absent = split.targets & split.observed, ~split.targets & split.observed
    return {
        code: {
            **{name: rounded(values[column]) for name, values in columns.items()},
            "positives": int(present[:, column].sum()),
            "negatives": int(absent[:, column].sum()),
            "unobserved": int((~split.observed[:, column]).sum()),
            "songs": len(np.unique(split.recordings[present[:, column]])),
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
