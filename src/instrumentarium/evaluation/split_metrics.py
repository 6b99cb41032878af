"""Every metric of a split by name: what data/evaluation.json says of it (docs/evaluation.md lists them)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.bootstrap import (
    percentile_intervals,
    resampled_brier,
    resampled_headline,
    resampled_per_instrument,
)
from instrumentarium.evaluation.calibration import brier_per_instrument, ece_mean, ece_per_instrument, nll
from instrumentarium.evaluation.calibration_intervals import Deviations, ece_deviations
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.choosing import best_threshold
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import Values, headline, rounded
from instrumentarium.evaluation.predictions import Predictions

COUNTS = ("positives", "negatives", "unobserved", "songs")


def split_metrics(split: ScoredClips, predicted: Predictions, weights: FloatArray, seed: int) -> Values:
    """Return every metric of a split: headline, intervals, negatives, calibration, parts, per instrument.

    Args:
        split: the clips.
        predicted: what is predicted for them.
        weights: (resamples, clips), of `draw_weights`, for the 95 % intervals.
        seed: that they were derived from, to be stated.
    """
    chosen = predicted.chosen
    resampled = resample(split, chosen, weights)
    intervals = interval(resampled)
    return {
        **headline(split, chosen),
        "interval": {"resamples": len(weights), "seed": seed, **intervals},
        "instruments_with_positives": int((split.targets & split.observed).any(axis=0).sum()),
        "rule": predicted.rule,
        "thresholds_from": predicted.source,
        "negatives": {**_negatives(split, chosen), "interval": intervals["false_instrument_rate"]},
        "calibration": _calibration(split, predicted, resampled),
        "oracle": oracle(split),
        "rules": {rule: _f1_pair(split, each) for rule, each in predicted.by_rule.items()},
        "per_corpus": _by(split, chosen, split.corpora),
        "by_labels": _by(split, chosen, (split.targets & split.observed).sum(axis=1).astype(np.str_)),
        "by_genre": _by(split, chosen, genres_of(split)),
        "per_instrument": _per_instrument(split, predicted, resampled),
    }


@dataclass(frozen=True)
class Resampled:
    """What every interval of a split is made of, computed once.

    Attributes:
        headline: metric to its value in every resample, (resamples,).
        per_instrument: the same of each instrument, (resamples, instruments).
        ece: how far calibration errors may lie from the truth.
        brier: (resamples, instruments).
    """

    headline: Mapping[str, FloatArray]
    per_instrument: Mapping[str, FloatArray]
    ece: Deviations
    brier: FloatArray

    def headline_ends(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return low and high end of each headline metric's 95 % interval, NaN where it is undefined."""
        low, high = self.ece.mean().interval()
        return {**percentile_intervals(self.headline), "ece_mean": (low[0], high[0])}

    def instrument_ends(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return the ends of each instrument's 95 % intervals by metric, each (instruments,)."""
        return percentile_intervals(self.per_instrument)

    def calibration_ends(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return the ends of the 95 % intervals of each instrument's "ece" and "brier", each (instruments,)."""
        return {"ece": self.ece.interval(), **percentile_intervals({"brier": self.brier})}


def resample(split: ScoredClips, predictions: BoolArray, weights: FloatArray) -> Resampled:
    """Compute everything of every resample.

    Args:
        split: the clips.
        predictions: (clips, instruments).
        weights: (resamples, clips), of `draw_weights`.
    """
    detail = resampled_per_instrument(split, predictions, weights)
    return Resampled(
        headline=resampled_headline(split, predictions, weights, detail),
        per_instrument=detail,
        ece=ece_deviations(split, weights),
        brier=resampled_brier(split, weights),
    )


def interval(resampled: Resampled) -> dict[str, dict[str, float | None]]:
    """Return the ends of each headline metric's 95 % interval."""
    return _ends(resampled.headline_ends())


def _ends(ends: Mapping[str, tuple[FloatArray, FloatArray]]) -> dict[str, dict[str, float | None]]:
    return {name: {"low": rounded(float(low)), "high": rounded(float(high))} for name, (low, high) in ends.items()}


def oracle(split: ScoredClips) -> Values:
    """Return what thresholds tuned on these very clips would reach: a bound, and no result."""
    best = [best_threshold(points) for points in r.points_per_instrument(split.targets, split.scores, split.observed)]
    found = split.scores >= np.array([np.inf if threshold is None else threshold for threshold in best])
    return {**_f1_pair(split, found), "thresholds_from": "the very clips evaluated: an upper bound, no result"}


def genres_of(split: ScoredClips) -> npt.NDArray[np.str_]:
    """Return the genre of each clip, (clips,), "" where none is stated; categories of grouped sounds are no genres."""
    return np.where(split.groups == "", split.genres, "")


def _by(split: ScoredClips, predictions: BoolArray, groups: npt.NDArray[np.str_]) -> dict[str, Values]:
    """Return the headline of each group of clips; those in the group without a name are left out."""
    return {
        str(group): headline(split.where(groups == group), predictions[groups == group])
        for group in np.unique(groups)
        if group
    }


def _negatives(split: ScoredClips, predictions: BoolArray) -> Values:
    """Return how often an instrument is predicted for clips known to hold none, by the group of their sound."""
    false = m.false_instrument_per_clip(split.targets, predictions, split.observed)
    empty = ~np.isnan(false)
    groups = np.where(split.groups == "", "uncategorised", split.groups)
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
        "given": {code: int(predictions[empty, column].sum()) for column, code in enumerate(split.codes)},
    }


def _calibration(split: ScoredClips, predicted: Predictions, resampled: Resampled) -> Values:
    """Return what the scores are worth as probabilities, as they are and after the temperature."""
    found: Values = {"temperature": predicted.temperature}
    for suffix, scores in (("", split.scores), ("_scaled", predicted.scaled)):
        graded = split.targets, scores, split.observed
        found[f"ece_mean{suffix}"] = rounded(ece_mean(*graded))
        found[f"brier{suffix}"] = rounded(r.brier(*graded))
        found[f"nll{suffix}"] = rounded(nll(*graded))
    graded = split.targets, split.scores, split.observed
    values = {"ece": ece_per_instrument(*graded), "brier": brier_per_instrument(*graded)}
    ends = resampled.calibration_ends()
    found["per_instrument"] = {
        code: {
            **{name: rounded(each[column]) for name, each in values.items()},
            "interval": {
                name: {"low": rounded(low[column]), "high": rounded(high[column])} for name, (low, high) in ends.items()
            },
        }
        for column, code in enumerate(split.codes)
    }
    return found


def _f1_pair(split: ScoredClips, predictions: BoolArray) -> Values:
    truth = split.targets, predictions, split.observed
    return {"f1_macro": rounded(m.f1_macro(*truth)), "f1_micro": rounded(m.f1_micro(*truth))}


def _per_instrument(split: ScoredClips, predicted: Predictions, resampled: Resampled) -> dict[str, Values]:
    ends = resampled.instrument_ends()
    thresholds = np.full(len(split.codes), np.nan) if predicted.thresholds is None else predicted.thresholds
    return {
        code: {
            **{metric.key: found[metric.key] for metric in catalogue.PER_INSTRUMENT},
            "threshold": rounded(thresholds[column]),
            **{name: found[name] for name in COUNTS},
            "interval": {
                name: {"low": rounded(low[column]), "high": rounded(high[column])} for name, (low, high) in ends.items()
            },
        }
        for column, (code, found) in enumerate(details(split, predicted.chosen).items())
    }


def details(split: ScoredClips, predictions: BoolArray) -> dict[str, dict[str, float | None]]:
    """Return the values of each instrument by its code: metrics, calibration and counts."""
    graded = split.targets, split.scores, split.observed
    columns = {
        **_by_instrument(split, predictions),
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
        for column, code in enumerate(split.codes)
    }


def per_instrument_rows(split: ScoredClips, predictions: BoolArray, found: Values) -> list[Row]:
    """Return plot rows, one an instrument, "macro" last: the metrics, and the ends of the intervals of those drawn.

    Columns: instrument, f1, precision, recall, ap, auroc, positives, songs, and f1_low, f1_high, ap_low, … auroc_high.

    Args:
        split: the clips.
        predictions: (clips, instruments).
        found: what `split_metrics` returned for them.
    """
    values_by_name = _by_instrument(split, predictions)
    present = split.targets & split.observed
    details, overall = found["per_instrument"], found["interval"]
    assert isinstance(details, Mapping)
    assert isinstance(overall, Mapping)
    rows: list[Row] = [
        {
            "instrument": code,
            **{name: rounded(values[column]) for name, values in values_by_name.items()},
            "positives": int(present[:, column].sum()),
            "songs": len(np.unique(split.recordings[present[:, column]])),
            **_drawn_ends({name: details[code]["interval"][name] for name in catalogue.MACRO}),
        }
        for column, code in enumerate(split.codes)
    ]
    means = {name: rounded(mean_of_defined(values)) for name, values in values_by_name.items()}
    playing = present.any(axis=1)
    everything = {"positives": int(present.sum()), "songs": len(np.unique(split.recordings[playing]))}
    ends = _drawn_ends({name: overall[macro] for name, macro in catalogue.MACRO.items()})
    return [*rows, {"instrument": "macro", **means, **everything, **ends}]


def _drawn_ends(intervals: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    return {f"{name}_{end}": interval[end] for name, interval in intervals.items() for end in ("low", "high")}


def _by_instrument(split: ScoredClips, predictions: BoolArray) -> dict[str, FloatArray]:
    truth = split.targets, predictions, split.observed
    graded = split.targets, split.scores, split.observed
    return {
        "f1": m.f1_per_instrument(*truth),
        "precision": m.precision_per_instrument(*truth),
        "recall": m.recall_per_instrument(*truth),
        "ap": r.ap_per_instrument(*graded),
        "auroc": r.auroc_per_instrument(*graded),
    }
