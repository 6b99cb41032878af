"""How good a model is, read from data/evaluation.json, and whether that file is of this very model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from instrumentarium.evaluation.bootstrap import LEVEL
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.sealed import DamagedFileError, read_json

METRICS = {
    "f1_macro": ("f1", "macro F1"),
    "f1_micro": ("f1", "micro F1"),
    "map_macro": ("mean_average_precision", "class mAP"),
    "auroc_macro": ("roc_auc", "macro AUROC"),
    "lrap": ("lrap", "label ranking average precision"),
    "false_instrument_rate": ("false_instrument_rate", "clips without instruments for which one is predicted"),
}
"""Metrics of a model card: the key of evaluation.json, the hub's word for the kind, and the name in full."""
SHARE = f"{LEVEL:.0%}".replace("%", " %")
"""Of an interval."""


class ResultsError(UserError, ValueError):
    """data/evaluation.json is missing, damaged or another model's."""


class _Interval(BaseModel):
    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class _Instrument(BaseModel):
    model_config = ConfigDict(frozen=True)

    f1: float | None
    ap: float | None
    positives: int
    threshold: float


@dataclass(frozen=True)
class Metric:
    """A metric over the test split, with the ends of its interval over recordings where it has one."""

    key: str
    value: float
    low: float | None
    high: float | None

    @property
    def kind(self) -> str:
        """The hub's word for it."""
        return METRICS[self.key][0]

    @property
    def name(self) -> str:
        """Its name in full."""
        return METRICS[self.key][1]


@dataclass(frozen=True)
class Results:
    """What a model card reports of the test split."""

    clips: int
    recordings: int
    metrics: tuple[Metric, ...]
    instruments: Mapping[str, _Instrument]


def read_results(path: Path, thresholds: Thresholds) -> Results:
    """Return the results on the test split, made with these very thresholds.

    The evaluate stage writes both files of one set of scores, so that other thresholds, or another temperature, give away
    results of another model.

    Raises:
        ResultsError: if the file is missing, damaged or made with other thresholds.
    """
    if not path.exists():
        raise ResultsError(f"{path} is missing, and a model is published with its metrics; run `dvc repro evaluate`")
    try:
        content = read_json(path)
        results = _results(content["test"] if isinstance(content, Mapping) else {})
        temperature = content["test"]["calibration"]["temperature"]  # type: ignore[index]
    except (DamagedFileError, ValidationError, KeyError, TypeError) as error:
        raise ResultsError(f"{path} holds no results: {error!r}; run `dvc repro evaluate`") from error
    limits = dict(zip(thresholds.per_instrument, thresholds.vector().tolist(), strict=True))
    if {code: each.threshold for code, each in results.instruments.items()} != limits or (
        temperature != thresholds.temperature
    ):
        raise ResultsError(
            f"{path} holds the results of another model than this one's thresholds; bring that experiment into the "
            "workspace with `dvc exp apply`, or run `dvc repro evaluate`"
        )
    return results


def _results(test: Mapping[str, object]) -> Results:
    intervals = test["interval"]
    assert isinstance(intervals, Mapping)
    metrics = []
    for key in METRICS:
        if test[key] is None:  # as of clips without instruments where there are none
            continue
        interval = None if intervals.get(key) is None else _Interval.model_validate(intervals[key])
        low, high = (None, None) if interval is None else (interval.low, interval.high)
        metrics.append(Metric(key, float(str(test[key])), low, high))
    per_instrument = test["per_instrument"]
    assert isinstance(per_instrument, Mapping)
    return Results(
        clips=int(str(test["clips"])),
        recordings=int(str(test["recordings"])),
        metrics=tuple(metrics),
        instruments={code: _Instrument.model_validate(each) for code, each in per_instrument.items()},
    )
