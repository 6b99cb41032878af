"""Every metric of every part of a split as one tidy table: by corpus, by number of labels, by genre, and altogether.

A row is one value: `split`, `by`, `part`, `instrument` ("" for a metric of all instruments), `metric`, `value`, `low`,
`high`. `low` and `high` are the ends of its 95 % interval over recordings, from the first `RESAMPLES` resamples of the
whole split; empty where there is none, as `value` is where the metric is undefined.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.headline import headline, rounded
from instrumentarium.evaluation.split_metrics import details, genres_of, resample
from instrumentarium.tables.table import Table, Text

WHOLE = "whole"
RESAMPLES = 500
"""Of those that the headline has: there are some twenty parts, and few clips in most, which limits precision far more."""

COLUMNS = ("split", "by", "part", "instrument", "metric", "value", "low", "high")


def metrics_table(codes: Sequence[str]) -> Table:
    """Return the contract of data/metrics.csv, of these instruments."""
    return Table(
        name="metrics",
        key=COLUMNS[:5],
        made_by="evaluate",
        columns={
            "split": Text,
            "by": Literal["whole", "corpus", "labels", "genre"],
            "part": Text,
            "instrument": Literal["", *codes],
            "metric": Text,
            "value": str,
            "low": str,
            "high": str,
        },
    )


def parts_of(split: ScoredClips) -> Iterator[tuple[str, str, BoolArray]]:
    """Yield (by, part, rows (clips,)) for the whole and every part; clips of no known genre are in no part by genre."""
    yield WHOLE, WHOLE, np.ones(len(split.targets), dtype=np.bool_)
    groups: Mapping[str, npt.NDArray[np.str_]] = {
        "corpus": split.corpora,
        "labels": (split.targets & split.observed).sum(axis=1).astype(np.str_),
        "genre": genres_of(split),
    }
    for by, group in groups.items():
        for part in np.unique(group):
            if part:
                yield by, str(part), np.asarray(group == part)


def metrics_rows(name: str, split: ScoredClips, predictions: BoolArray, weights: FloatArray) -> pd.DataFrame:
    """Return the rows of one split.

    Args:
        name: of the split.
        split: its clips.
        predictions: (clips, instruments).
        weights: (resamples, clips), of `draw_weights`.
    """
    weights, rows = weights[:RESAMPLES], []
    for by, part, mine in parts_of(split):
        for instrument, metric, value, low, high in _values(split.where(mine), predictions[mine], weights[:, mine]):
            rows.append((name, by, part, instrument, metric, _text(value), _text(low), _text(high)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


Value = tuple[str, str, float | int | None, float | None, float | None]


def _values(part: ScoredClips, predictions: BoolArray, weights: FloatArray) -> Iterator[Value]:
    resampled = resample(part, predictions, weights)
    ends = resampled.headline_ends()
    for metric, value in headline(part, predictions).items():
        assert value is None or isinstance(value, int | float)
        low, high = ends.get(metric, (np.nan, np.nan))
        yield "", metric, value, rounded(float(low)), rounded(float(high))
    columns = {**resampled.instrument_ends(), **resampled.calibration_ends()}
    for column, (code, found) in enumerate(details(part, predictions).items()):
        for metric, value in found.items():
            low, high = (end[column] for end in columns.get(metric, (np.full(len(part.codes), np.nan),) * 2))
            yield code, metric, value, rounded(float(low)), rounded(float(high))


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)
