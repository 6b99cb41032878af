"""From parameters to an objective."""

from instrumentarium.training.objectives.base import Objective
from instrumentarium.training.objectives.cross_entropy import MaskedBinaryCrossEntropy
from instrumentarium.training.objectives.params import CrossEntropyParams


def build_objective(params: CrossEntropyParams) -> Objective:
    """Return the objective that `params` describe."""
    return MaskedBinaryCrossEntropy(params.label_smoothing)
