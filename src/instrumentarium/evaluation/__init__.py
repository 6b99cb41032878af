"""How good the scores of systems are: metrics, thresholds, plots; of arrays and tables only, without torch.

What is named here is imported when it is asked for: whoever wants thresholds alone, as prediction does, need not wait for
the optimisers and tables of the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instrumentarium.evaluation.checks import EvaluationError
    from instrumentarium.evaluation.evaluation import Evaluation, evaluate, write_evaluation
    from instrumentarium.evaluation.thresholds import Thresholds

__all__ = ["Evaluation", "EvaluationError", "Thresholds", "evaluate", "write_evaluation"]

_MODULES = {"EvaluationError": "checks", "Thresholds": "thresholds"}
"""Where a name lies that is not in `evaluation`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'evaluation')}"), name)
