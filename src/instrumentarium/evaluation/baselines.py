"""What systems that never listen reach on the same clips.

- *all_zeros*, *all_ones*: nothing plays, everything plays; every score is 0 or 1.
- *label_prior*: each instrument's score is its share of the observed validation clips, and it is given where that exceeds
  one half.
- *random*: scores drawn evenly from [0, 1); an instrument is given as often as it plays in validation. Means over
  `RANDOM_SEEDS`.
"""

import numpy as np

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.headline import Figures, rounded
from instrumentarium.evaluation.inputs import Scored

RANDOM_SEEDS = tuple(range(20))


def prevalence(split: Scored) -> FloatArray:
    """Return the share of observed clips in which each instrument plays, (instruments,); 0 where none is observed."""
    seen = split.observed.sum(axis=0)
    return np.asarray((split.targets & split.observed).sum(axis=0) / np.maximum(seen, 1))


def baselines(split: Scored, prior: FloatArray) -> dict[str, Figures]:
    """Return each baseline's macro and micro F1, mAP, LRAP and Hamming score on `split`.

    Args:
        split: the clips.
        prior: (instruments,), what `prevalence` found on validation; or (clips, instruments), found on other clips of each.
    """
    shape = split.targets.shape
    prior_scores = np.broadcast_to(prior, shape).copy()
    drawn = [np.random.default_rng(seed).random(shape) for seed in RANDOM_SEEDS]
    each = [_values(split, scores, scores >= 1 - prior) for scores in drawn]
    random = {name: mean_of_defined(np.array([values[name] for values in each])) for name in each[0]}
    found = {
        "all_zeros": _values(split, np.zeros(shape), np.zeros(shape, dtype=np.bool_)),
        "all_ones": _values(split, np.ones(shape), np.ones(shape, dtype=np.bool_)),
        "label_prior": _values(split, prior_scores, prior_scores > 0.5),
        "random": random,
    }
    result: dict[str, Figures] = {
        name: {figure: rounded(value) for figure, value in values.items()} for name, values in found.items()
    }
    result["random"]["seeds"] = len(RANDOM_SEEDS)
    return result


def _values(split: Scored, scores: FloatArray, predictions: BoolArray) -> dict[str, float]:
    truth, graded = (split.targets, predictions, split.observed), (split.targets, scores, split.observed)
    return {
        "f1_macro": m.f1_macro(*truth),
        "f1_micro": m.f1_micro(*truth),
        "map_macro": r.map_macro(*graded),
        "lrap": r.lrap(*graded),
        "hamming": m.hamming(*truth),
    }
