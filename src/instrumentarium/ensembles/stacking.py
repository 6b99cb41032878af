"""Stacking: a logistic regression an instrument over what the model's last layer and the descriptors say of a window.

It learns from validation alone, which neither has been trained on. So that validation's own scores can choose thresholds
and be compared, they are cross-fitted: a recording's windows are scored by a regression that saw other recordings only.
Test windows are scored by the one that saw all of validation.

Wolpert: Stacked generalization. Neural Networks 5, 1992.
"""

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from instrumentarium.baselines.rows import Rows
from instrumentarium.baselines.system import Linear, fit_scaling
from instrumentarium.baselines.training import prior_logit
from instrumentarium.clips.labels import FloatArray
from instrumentarium.evaluation.choosing import folds_of
from instrumentarium.runtime.workers import map_in_order, worker_pool

Float32 = npt.NDArray[np.float32]


def fit_stacking(rows: Rows, c: float) -> Linear:
    """Fit a regression an instrument on the rows where it is observed; where all agree, the score is their smoothed share.

    Args:
        rows: windows of validation, weighted so that each clip counts once.
        c: inverse strength of the regularisation.
    """
    from sklearn.linear_model import LogisticRegression

    scaling = fit_scaling(rows.values, rows.weights)
    standardised = scaling(rows.values)
    coefficients = np.zeros((standardised.shape[1], rows.targets.shape[1]))
    intercepts = np.zeros(rows.targets.shape[1])
    for column in range(rows.targets.shape[1]):
        seen = rows.observed[:, column]
        targets = rows.targets[seen, column]
        if not targets.any() or targets.all():
            intercepts[column] = prior_logit(targets)
            continue
        fitted = LogisticRegression(C=c, max_iter=500, tol=1e-4)
        fitted.fit(standardised[seen], targets, sample_weight=rows.weights[seen])
        coefficients[:, column], intercepts[column] = fitted.coef_[0], fitted.intercept_[0]
    return Linear(scaling.mean, scaling.deviation, coefficients, intercepts)


def stack(rows: Rows, others: Float32, c: float, folds: int) -> tuple[Linear, FloatArray, FloatArray]:
    """Return the regression of all rows, the cross-fitted scores of the rows, and the scores of others.

    Args:
        rows: windows of validation.
        others: (windows, columns), of other clips.
        c: inverse strength of the regularisation.
        folds: of the recordings; as many as there are, where there are fewer.

    Raises:
        ValueError: if there is but one recording.
    """
    if len(np.unique(rows.recordings)) < 2:
        raise ValueError("validation has one recording, so its scores cannot be cross-fitted; give it more")
    fold = folds_of(rows.recordings, folds)
    parts = np.unique(fold)
    own = np.zeros(rows.targets.shape)
    kept = [fold != part for part in parts]
    with threadpool_limits(limits=1), worker_pool("threads") as pool:
        tasks = [*(rows.take(each) for each in kept), rows]
        *partial, whole = map_in_order(pool, lambda each: fit_stacking(each, c), tasks, "stacking")
    for each, part in zip(partial, parts, strict=True):
        own[fold == part] = each.scores(rows.values[fold == part])
    return whole, own, whole.scores(others)
