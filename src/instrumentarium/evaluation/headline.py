"""The metrics that describe all clips of a split, or of a part of it, together.

A value is a number rounded to six decimals, or None where it is undefined.
"""

import numpy as np

from instrumentarium.clips.labels import BoolArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.calibration import ece_mean

Values = dict[str, object]
DECIMALS = 6


def rounded(value: float) -> float | None:
    """Return `value` as files hold it: to six decimals, None for NaN."""
    return None if np.isnan(value) else round(float(value), DECIMALS)


def headline(split: ScoredClips, predictions: BoolArray) -> Values:
    """Return every metric of the catalogue for all clips of `split` together, and the number of clips and recordings."""
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
        "ece_mean": ece_mean(*graded),
        "false_instrument_rate": m.false_instrument_rate(*truth),
    }
    return {
        **{key: rounded(values[key]) for key in catalogue.KEYS},
        "clips": len(split),
        "recordings": len(np.unique(split.recordings)),
    }
