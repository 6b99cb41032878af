"""Models of any instruments without a network, and thresholds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from model_fixtures import Parts

from instrumentarium.evaluation.thresholds import Support, Thresholds
from instrumentarium.models.modelfile import ModelCard, save_model
from instrumentarium.predicting.ladder import (
    Audio2Timeline,
    File2Timeline,
    Files2Table,
    Samples2Scores,
    WindowModel,
    Windows2Scores,
)
from instrumentarium.tables.taxonomy import Taxonomy


class Steady:
    """A model whose scores are the same for every window; an embedding follows them."""

    def __init__(self, taxonomy: Taxonomy, scores: Sequence[float]) -> None:
        self.card, self.row = Parts(taxonomy=taxonomy).card(), np.array([*scores, 7.0, 8.0], np.float32)

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        return np.tile(self.row, (len(windows), 1))


def ladder_of(model: WindowModel, limit: float, overlap: float | None = None, workers: int = 1) -> Files2Table:
    """Return the whole ladder, with one threshold for all instruments."""
    samples2scores = Samples2Scores(Windows2Scores(model), overlap)
    thresholds = np.full(len(model.card.taxonomy), limit)
    return Files2Table(File2Timeline(Audio2Timeline(samples2scores, thresholds)), workers)


def save(folder: Path, parts: Parts, limit: float | None = None) -> ModelCard:
    """Save an untrained model, and thresholds beside it where there is a limit; return its card."""
    card = parts.card()
    save_model(folder, parts.build(3, card.windows.pitch_shift_semitones).state_dict(), card)
    if limit is not None:
        write_thresholds(folder.parent / "thresholds.json", card.taxonomy.codes, limit)
    return card


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
    thresholds.write(path)
