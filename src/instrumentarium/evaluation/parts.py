"""Every figure of every part of a split as one tidy table: by corpus, by number of labels, by genre, and altogether.

A row is one figure: `split`, `by`, `part`, `instrument` ("" for a figure of all instruments), `figure`, `value`, `low`,
`high`. `low` and `high` are the ends of its 95 % interval over recordings, from the first `RESAMPLES` resamples of the
whole split; empty where there is none, as `value` is where the figure is undefined.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation.bootstrap import percentile_intervals, resampled_per_instrument
from instrumentarium.evaluation.figures import calibration_ends, details, genres_of, headline_ends
from instrumentarium.evaluation.headline import headline, rounded
from instrumentarium.evaluation.inputs import Scored
from instrumentarium.tables.table import Table, Text
from instrumentarium.tables.taxonomy import CODES

WHOLE = "whole"
RESAMPLES = 500
"""Of those that the headline has: there are some twenty parts, and few clips in most, which limits precision far more."""

FIGURES = Table(
    name="figures",
    key=("split", "by", "part", "instrument", "figure"),
    made_by="evaluate",
    columns={
        "split": Text,
        "by": Literal["whole", "corpus", "labels", "genre"],
        "part": Text,
        "instrument": Literal["", *CODES],
        "figure": Text,
        "value": str,
        "low": str,
        "high": str,
    },
)


def parts_of(split: Scored) -> Iterator[tuple[str, str, BoolArray]]:
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


def figure_table(name: str, split: Scored, predictions: BoolArray, weights: FloatArray) -> pd.DataFrame:
    """Return the rows of one split.

    Args:
        name: of the split.
        split: its clips.
        predictions: (clips, instruments).
        weights: (resamples, clips), of `draw_weights`.
    """
    weights, rows = weights[:RESAMPLES], []
    for by, part, mine in parts_of(split):
        for instrument, figure, value, low, high in _figures(split.where(mine), predictions[mine], weights[:, mine]):
            rows.append((name, by, part, instrument, figure, _text(value), _text(low), _text(high)))
    return pd.DataFrame(rows, columns=list(FIGURES.columns))


Figure = tuple[str, str, float | int | None, float | None, float | None]


def _figures(part: Scored, predictions: BoolArray, weights: FloatArray) -> Iterator[Figure]:
    per_instrument = resampled_per_instrument(part, predictions, weights)
    ends = headline_ends(part, predictions, weights, per_instrument)
    for figure, value in headline(part, predictions).items():
        assert value is None or isinstance(value, int | float)
        low, high = ends.get(figure, (np.nan, np.nan))
        yield "", figure, value, rounded(float(low)), rounded(float(high))
    columns = {**percentile_intervals(per_instrument), **calibration_ends(part, weights)}
    for code, found in details(part, predictions).items():
        column = CODES.index(code)
        for figure, value in found.items():
            low, high = (end[column] for end in columns.get(figure, (np.full(len(CODES), np.nan),) * 2))
            yield code, figure, value, rounded(float(low)), rounded(float(high))


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)
