"""Several objectives at once, each with a weight."""

from collections.abc import Mapping

from torch import Tensor, nn

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective


class WeightedSum(Objective):
    """The terms are the objectives' weighted losses, by the objectives' names."""

    def __init__(self, objectives: Mapping[str, Objective], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.objectives = nn.ModuleDict(objectives)
        self.weights = dict(weights)

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the terms."""
        return {
            name: self.weights[name] * loss
            for name, objective in self.objectives.items()
            for loss in objective(output, targets, observed).values()
        }
