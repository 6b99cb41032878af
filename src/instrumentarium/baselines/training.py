"""Training of the classical systems, one problem an instrument, each on the windows where that instrument is observed.

An instrument that is never observed to play, or always, leaves no decision to learn: its score is the smoothed share of
its positives, whatever the descriptors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from instrumentarium.baselines.calibration import calibrate
from instrumentarium.baselines.errors import BaselineError
from instrumentarium.baselines.params import BaselineParams, BoostingParams, NeighboursParams, SvmParams
from instrumentarium.baselines.rows import Rows
from instrumentarium.baselines.system import (
    Kernel,
    Linear,
    Neighbours,
    Scaling,
    System,
    Trees,
    fit_scaling,
    positive_neighbours,
    rbf_kernel,
    squared_distances,
)
from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.runtime.workers import map_in_order, worker_pool

SYSTEMS = ("svm_linear", "svm_rbf", "knn", "boosting")
SMOOTHING = 1.0
"""Observations added to each count of ML-kNN, as in its paper."""


@dataclass(frozen=True)
class _Machine:
    """One instrument's support vector machine: a coefficient a column (linear) or a row (radial basis)."""

    coefficients: FloatArray
    intercept: float


def train_systems(rows: Rows, params: BaselineParams, seed: int) -> dict[str, System]:
    """Train all of SYSTEMS; the same rows, parameters and seed give the same arrays.

    Raises:
        BaselineError: if there is no row, or no instrument is observed to play in one.
    """
    if not len(rows) or not (rows.targets & rows.observed).any():
        raise BaselineError(
            f"no instrument is known to play in any of the {len(rows)} training windows, so there is nothing to learn; "
            "give the train split clips in which instruments play"
        )
    if len(rows) > params.most_windows:
        draw = np.random.default_rng(derive_seed(seed, "baseline-windows"))
        rows = rows.take(np.sort(draw.choice(len(rows), size=params.most_windows, replace=False)))
    scaling = fit_scaling(rows.values, rows.weights)
    standardised = scaling(rows.values)
    with threadpool_limits(limits=1):  # threads of ours, so that sums come in one order
        return {
            "svm_linear": train_linear(rows, scaling, standardised, params.svm),
            "svm_rbf": train_kernel(rows, scaling, standardised, params.svm),
            "knn": train_neighbours(rows, scaling, standardised, params.neighbours),
            "boosting": train_trees(rows, params.boosting, seed),
        }


def train_linear(rows: Rows, scaling: Scaling, standardised: FloatArray, params: SvmParams) -> Linear:
    """Train a linear machine an instrument, in the primal."""
    from sklearn.svm import LinearSVC

    def fit(mine: npt.NDArray[np.int_], targets: BoolArray) -> _Machine:
        svc = LinearSVC(C=params.linear_c, dual=False, class_weight="balanced", tol=1e-3, max_iter=2000)
        svc.fit(standardised[mine], targets, sample_weight=rows.weights[mine])
        return _Machine(svc.coef_[0], float(svc.intercept_[0]))

    def decide(machine: _Machine, _: npt.NDArray[np.int_], wanted: npt.NDArray[np.int_]) -> FloatArray:
        return np.asarray(standardised[wanted] @ machine.coefficients + machine.intercept)

    machines = _machines(rows, params, fit, decide, "linear SVMs")
    columns = standardised.shape[1]
    return Linear(scaling.mean, scaling.deviation, *_stacked(machines, columns))


def train_kernel(rows: Rows, scaling: Scaling, standardised: FloatArray, params: SvmParams) -> Kernel:
    """Train a machine with a radial basis an instrument; the kernel of all rows is computed once."""
    from sklearn.svm import SVC

    gamma = params.gamma / standardised.shape[1]
    vectors = standardised.astype(np.float32)  # as they are kept
    kernel = rbf_kernel(vectors.astype(np.float64), vectors.astype(np.float64), gamma)

    def fit(mine: npt.NDArray[np.int_], targets: BoolArray) -> _Machine:
        svc = SVC(C=params.rbf_c, kernel="precomputed", class_weight="balanced", cache_size=100)
        svc.fit(kernel[np.ix_(mine, mine)], targets, sample_weight=rows.weights[mine])
        coefficients = np.zeros(len(rows))
        coefficients[mine[svc.support_]] = svc.dual_coef_[0]
        return _Machine(coefficients, float(svc.intercept_[0]))

    def decide(machine: _Machine, mine: npt.NDArray[np.int_], wanted: npt.NDArray[np.int_]) -> FloatArray:
        return np.asarray(kernel[np.ix_(wanted, mine)] @ machine.coefficients[mine] + machine.intercept)

    coefficients, intercepts = _stacked(_machines(rows, params, fit, decide, "RBF SVMs"), len(rows))
    used = np.flatnonzero(coefficients.any(axis=1))
    return Kernel(scaling.mean, scaling.deviation, vectors[used], coefficients[used], intercepts, np.array([gamma]))


def _machines(
    rows: Rows,
    params: SvmParams,
    fit: Callable[[npt.NDArray[np.int_], BoolArray], _Machine],
    decide: Callable[[_Machine, npt.NDArray[np.int_], npt.NDArray[np.int_]], FloatArray],
    title: str,
) -> list[_Machine]:
    """Return each instrument's calibrated machine; of one without a decision to learn, its prior's logit alone."""

    def train(column: int) -> _Machine:
        seen = np.flatnonzero(rows.observed[:, column])
        targets = rows.targets[seen, column]
        if not targets.any() or targets.all():
            return _Machine(np.zeros(0), prior_logit(targets))

        def held_out(rest: npt.NDArray[np.int_], mine: npt.NDArray[np.int_]) -> FloatArray:
            return decide(fit(seen[rest], targets[rest]), seen[rest], seen[mine])

        scale = calibrate(targets, rows.weights[seen], rows.recordings[seen], params.calibration_folds, held_out)
        machine = fit(seen, targets)
        return _Machine(machine.coefficients * scale.slope, machine.intercept * scale.slope + scale.offset)

    with worker_pool("threads") as pool:
        return list(map_in_order(pool, train, range(rows.targets.shape[1]), title))


def _stacked(machines: Sequence[_Machine], size: int) -> tuple[FloatArray, FloatArray]:
    """Return (size, instruments) and (instruments,)."""
    columns = [each.coefficients if len(each.coefficients) else np.zeros(size) for each in machines]
    return np.stack(columns, axis=1), np.array([each.intercept for each in machines])


def prior_logit(targets: BoolArray) -> float:
    """Return the logit of the share of positives, one of each kind added."""
    return float(np.log((targets.sum() + 1) / ((~targets).sum() + 1)))


def train_neighbours(rows: Rows, scaling: Scaling, standardised: FloatArray, params: NeighboursParams) -> Neighbours:
    """Learn what a number of positive neighbours says, from training windows and their neighbours of other recordings.

    Windows of the same recording would be one another's neighbours, and make all numbers more telling than they are.

    Zhang, Zhou: ML-KNN: a lazy learning approach to multi-label learning. Pattern Recognition 40, 2007.
    """
    vectors = standardised.astype(np.float32)
    targets, observed = (array.astype(np.uint8) for array in (rows.targets, rows.observed))
    _, recording = np.unique(rows.recordings, return_inverse=True)
    distances = squared_distances(vectors.astype(np.float64), vectors.astype(np.float64))
    distances[recording[:, None] == recording[None, :]] = np.inf
    counts = positive_neighbours(distances, targets, observed, params.k)
    posteriors = np.empty((params.k + 1, targets.shape[1]))
    for column in range(targets.shape[1]):
        seen = rows.observed[:, column]
        positive = rows.targets[seen, column]
        if not positive.any() or positive.all():
            posteriors[:, column] = 1 / (1 + np.exp(-prior_logit(positive)))
            continue
        number = counts[seen, column]
        likelihoods = []
        for kind in (positive, ~positive):
            occurred = np.bincount(number[kind], weights=rows.weights[seen][kind], minlength=params.k + 1)
            likelihoods.append((occurred + SMOOTHING) / (occurred.sum() + SMOOTHING * (params.k + 1)))
        prior = np.exp(prior_logit(positive))
        odds = prior * likelihoods[0] / likelihoods[1]
        posteriors[:, column] = odds / (1 + odds)
    return Neighbours(scaling.mean, scaling.deviation, vectors, targets, observed, posteriors)


def train_trees(rows: Rows, params: BoostingParams, seed: int) -> Trees:
    """Train stochastic gradient boosting an instrument, on the logarithmic loss.

    Friedman: Stochastic gradient boosting. Computational Statistics & Data Analysis 38, 2002.
    """
    from sklearn.ensemble import GradientBoostingClassifier

    def train(column: int) -> tuple[float, list[Any]]:
        seen = rows.observed[:, column]
        targets = rows.targets[seen, column]
        if not targets.any() or targets.all():
            return prior_logit(targets), []
        boosting = GradientBoostingClassifier(
            n_estimators=params.trees,
            max_depth=params.depth,
            learning_rate=params.learning_rate,
            max_features=params.columns_share,
            subsample=params.rows_share,
            random_state=derive_seed(seed, "boosting", column) % 2**32,
        ).fit(rows.values[seen], targets, sample_weight=rows.weights[seen])
        prior = boosting.init_.class_prior_[1]
        return float(np.log(prior / (1 - prior))), [each.tree_ for each in boosting.estimators_[:, 0]]

    with worker_pool("threads") as pool:
        trained = list(map_in_order(pool, train, range(rows.targets.shape[1]), "boosted trees"))
    return _as_nodes(trained, params)


def _as_nodes(trained: Sequence[tuple[float, list[Any]]], params: BoostingParams) -> Trees:
    """Lay all trees' nodes one after another; an instrument without trees has leaves of no value."""
    empty = (np.array([-1]), np.zeros(1), np.array([0]), np.array([0]), np.zeros(1))
    parts, roots, begin = [], [], 0
    for _, trees in trained:
        mine = []
        for place in range(params.trees):
            if trees:
                tree = trees[place]
                leaf = tree.children_left < 0
                column, limit = np.where(leaf, -1, tree.feature), np.where(leaf, 0.0, tree.threshold)
                links = tree.children_left, tree.children_right
                value = np.where(leaf, params.learning_rate * tree.value[:, 0, 0], 0.0)
                part = (column, limit, *(np.where(leaf, 0, link) for link in links), value)
            else:
                part = empty
            parts.append((*part[:2], part[2] + begin, part[3] + begin, part[4]))
            mine.append(begin)
            begin += len(part[0])
        roots.append(mine)
    columns, limits, left, right, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Trees(
        np.array(roots).astype(np.int32),
        columns.astype(np.int32),
        limits,
        left.astype(np.int32),
        right.astype(np.int32),
        values,
        np.array([intercept for intercept, _ in trained]),
    )
