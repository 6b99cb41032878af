"""How good the scores of systems are: metrics, thresholds, plots; of arrays and tables only, without torch.

What is named here is imported when it is asked for: whoever wants thresholds alone, as prediction does, need not wait for
the optimisers and tables of the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instrumentarium.evaluation.checks import EvaluationError
    from instrumentarium.evaluation.evaluation import evaluate
    from instrumentarium.evaluation.results import Evaluation
    from instrumentarium.evaluation.thresholds import Thresholds
    from instrumentarium.evaluation.writing import write_evaluation

__all__ = ["Evaluation", "EvaluationError", "Thresholds", "evaluate", "write_evaluation"]

_MODULES = {
    "Evaluation": "results",
    "EvaluationError": "checks",
    "Thresholds": "thresholds",
    "evaluate": "evaluation",
    "write_evaluation": "writing",
}
"""Where each name lies."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
