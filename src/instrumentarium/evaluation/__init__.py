"""How good the scores of a model are: metrics, thresholds, plots; of arrays and tables only, without torch."""

from instrumentarium.evaluation.checks import EvaluationError
from instrumentarium.evaluation.report import Evaluation, evaluate, write_evaluation
from instrumentarium.evaluation.thresholds import Thresholds

__all__ = ["Evaluation", "EvaluationError", "Thresholds", "evaluate", "write_evaluation"]
