"""Models of any instruments without a network, and thresholds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from model_fixtures import tiny_card

from instrumentarium.evaluation.thresholds import Support, Thresholds
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.predicting.ladder import (
    Audio2Timeline,
    File2Timeline,
    Files2Table,
    Samples2Scores,
    WindowModel,
    Windows2Scores,
)
from instrumentarium.runtime.files import write_json
from instrumentarium.tables.taxonomy import Taxonomy


def card_of(taxonomy: Taxonomy) -> ModelCard:
    """Return the card of a model of other instruments."""
    return tiny_card().model_copy(update={"labels": taxonomy.codes})


class Steady:
    """A model whose scores are the same for every window; an embedding follows them."""

    def __init__(self, taxonomy: Taxonomy, scores: Sequence[float]) -> None:
        self.card, self.row = card_of(taxonomy), np.array([*scores, 7.0, 8.0], np.float32)

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        return np.tile(self.row, (len(windows), 1))


def ladder_of(model: WindowModel, limit: float, overlap: float | None = None, workers: int = 1) -> Files2Table:
    """Return the whole ladder, with one threshold for all instruments."""
    samples2scores = Samples2Scores(Windows2Scores(model), overlap)
    thresholds = np.full(len(model.card.taxonomy), limit)
    return Files2Table(File2Timeline(Audio2Timeline(samples2scores, thresholds)), workers)


def write_thresholds(path: Path, codes: Sequence[str], limit: float) -> None:
    """Write thresholds of `limit` for every instrument."""
    thresholds = Thresholds(
        chosen_from="validation",
        rule="fixed",
        fixed=limit,
        global_=limit,
        per_instrument=dict.fromkeys(codes, limit),
        unshrunk=dict.fromkeys(codes, limit),
        positives=dict.fromkeys(codes, Support(clips=1, recordings=1)),
        cross_fitted_f1_macro={"fixed": 0.5, "global": 0.5, "per_instrument": 0.5},
    )
    write_json(path, thresholds.content())
