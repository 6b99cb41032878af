"""What every metric asks of its arrays before it counts anything.

Conventions of the whole package: `targets`, `predictions` and `observed` are Boolean, `scores` are probabilities, all are
(clips, instruments). Pairs that are not observed are left out of every count, whatever stands in the other arrays there.
Averaging is in a metric's name: `_macro` is the mean over instruments, `_micro` pools all observed pairs, `_samples` is
the mean over clips. What is undefined (a recall without positives, say) is NaN here and `null` in files; it never counts
as 0 or 1.
"""

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.errors import UserError


class EvaluationError(UserError, ValueError):
    """The clips cannot be evaluated as asked; the message says which clip, column or rule, and what to do."""


def check_predictions(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> None:
    """Check the arrays of a metric that counts right and wrong predictions.

    Raises:
        TypeError: if an array is not Boolean.
        ValueError: if an array is not two-dimensional, or the shapes differ.
    """
    _check_boolean(targets=targets, predictions=predictions, observed=observed)
    _check_shapes(targets=targets, predictions=predictions, observed=observed)


def check_scores(targets: BoolArray, scores: FloatArray, observed: BoolArray) -> None:
    """Check the arrays of a metric that ranks or grades scores.

    Raises:
        TypeError: if targets or observed is not Boolean, or scores are not floating-point numbers.
        ValueError: if an array is not two-dimensional, the shapes differ, or a score is not in [0, 1].
    """
    _check_boolean(targets=targets, observed=observed)
    if not np.issubdtype(scores.dtype, np.floating):
        raise TypeError(f"scores are {scores.dtype}; they must be floating-point probabilities")
    _check_shapes(targets=targets, scores=scores, observed=observed)
    wrong = ~((scores >= 0) & (scores <= 1))  # NaN is neither
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"{int(wrong.sum())} scores are not probabilities, first {scores[row, column]} in row {row}, column {column}; "
            "apply the sigmoid and look for NaN"
        )


def mean_of_defined(values: FloatArray) -> float:
    """Return the mean of the values that are not NaN; NaN where there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def ratio(numerator: npt.NDArray[np.int64], denominator: npt.NDArray[np.int64]) -> FloatArray:
    """Return the quotient, NaN where the denominator is 0."""
    undefined = denominator == 0
    return np.where(undefined, np.nan, numerator / np.where(undefined, 1, denominator))


def _check_boolean(**arrays: BoolArray) -> None:
    for name, array in arrays.items():
        if array.dtype != np.bool_:
            raise TypeError(f"{name} are {array.dtype}; they must be Boolean, (clips, instruments)")


def _check_shapes(**arrays: npt.NDArray[np.generic]) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or len(next(iter(shapes.values()))) != 2:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"arrays must share one shape (clips, instruments); found {found}")
