"""Classical systems: they learn what can be learned, from observed pairs alone, and always the same."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import SVC, LinearSVC
from skmultilearn.problem_transform import BinaryRelevance

from instrumentarium.baselines.calibration import PLAIN, calibrate, fit_sigmoid, label_folds
from instrumentarium.baselines.errors import BaselineError
from instrumentarium.baselines.params import BaselineParams
from instrumentarium.baselines.rows import Rows
from instrumentarium.baselines.system import Kernel, Linear, fit_scaling, positive_neighbours
from instrumentarium.baselines.training import SYSTEMS, train_systems
from instrumentarium.evaluation.ranking import map_macro

PARAMS = BaselineParams.model_validate(
    {
        "most_windows": 1000,
        "svm": {"linear_c": 0.1, "rbf_c": 1.0, "gamma": 1.0, "calibration_folds": 3},
        "neighbours": {"k": 5},
        "boosting": {"trees": 15, "depth": 2, "learning_rate": 0.3, "columns_share": 1.0, "rows_share": 0.8},
        "surfaces": False,
        "surface_points": 50,
    }
)


def separable(count: int = 90, seed: int = 0) -> Rows:
    """Return rows of three instruments, each of which is present where one column is high; three rows a recording."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(rng.random((count // 3, 3)) < 0.4, 3, axis=0)
    values = rng.normal(size=(count, 6)) * 0.3
    values[:, :3] += 4.0 * targets
    recordings = np.repeat([f"r{number:02d}" for number in range(count // 3)], 3)
    return Rows(values.astype(np.float32), targets, np.ones_like(targets), np.ones(count), recordings)


def test_separable_data_are_ranked_perfectly() -> None:
    rows, others = separable(), separable(60, seed=9)
    for name, system in train_systems(rows, PARAMS, 0).items():
        scores = system.scores(others.values)
        assert ((scores >= 0) & (scores <= 1)).all(), name
        least = 0.98 if name == "knn" else 1 - 1e-9  # kNN has but k + 1 scores, which positives and negatives can share
        assert map_macro(others.targets, scores, others.observed) > least, name


def test_training_repeats_to_the_bit() -> None:
    first, second = (train_systems(separable(), PARAMS, 3) for _ in range(2))
    assert tuple(first) == SYSTEMS
    for name in SYSTEMS:
        for key, array in first[name].arrays().items():
            np.testing.assert_array_equal(array, second[name].arrays()[key], err_msg=f"{name} {key}")


def test_what_is_not_observed_changes_nothing() -> None:
    rows = separable()
    hidden = np.zeros_like(rows.observed)
    hidden[::4, 1] = True
    masked = replace(rows, observed=~hidden, targets=rows.targets & ~hidden)
    lying = replace(masked, targets=masked.targets | hidden)  # what stands there must not be looked at
    one, other = (train_systems(each, PARAMS, 0) for each in (masked, lying))
    seen = train_systems(rows, PARAMS, 0)
    for name in SYSTEMS:
        np.testing.assert_array_equal(one[name].scores(rows.values), other[name].scores(rows.values), err_msg=name)
        changed = ~np.isclose(one[name].scores(rows.values), seen[name].scores(rows.values)).all(axis=0)
        assert changed[1], f"{name} does not notice what is hidden"
        assert not changed[[0, 2]].any(), f"{name}: another instrument's pairs changed this one"


def test_an_instrument_that_always_or_never_plays_has_a_constant_score() -> None:
    rows = separable()
    targets = rows.targets.copy()
    targets[:, 0], targets[:, 2] = True, False
    for name, system in train_systems(replace(rows, targets=targets), PARAMS, 0).items():
        scores = system.scores(rows.values)
        assert np.ptp(scores[:, 0]) < 1e-9, name
        assert scores[0, 0] == pytest.approx(91 / 92), name
        assert scores[0, 2] == pytest.approx(1 / 92), name


def test_linear_machines_rank_as_binary_relevance_does() -> None:
    rows = separable()
    system = train_systems(rows, PARAMS, 0)["svm_linear"]
    assert isinstance(system, Linear)
    scaled = fit_scaling(rows.values, rows.weights)(rows.values)
    svc = LinearSVC(C=0.1, dual=False, class_weight="balanced", tol=1e-3, max_iter=2000)
    reference = BinaryRelevance(svc, require_dense=[True, True]).fit(scaled, rows.targets.astype(int))
    for column, each in enumerate(reference.classifiers_):
        order = np.argsort(each.decision_function(scaled), kind="stable")
        assert (np.diff(system.scores(rows.values)[order, column]) >= -1e-9).all()


def test_kernel_machines_decide_as_scikit_learns_do() -> None:
    rows = separable()
    system = train_systems(rows, PARAMS, 0)["svm_rbf"]
    assert isinstance(system, Kernel)
    scaled = fit_scaling(rows.values, rows.weights)(rows.values)
    reference = SVC(C=1.0, gamma=1.0 / 6, class_weight="balanced").fit(scaled, rows.targets[:, 0])
    logits = system.logits(scaled)[:, 0]
    slope, offset = np.polyfit(reference.decision_function(scaled), logits, 1)
    np.testing.assert_allclose(logits, slope * reference.decision_function(scaled) + offset, atol=1e-2)
    assert slope > 0


def test_rows_beyond_the_most_are_drawn() -> None:
    few = PARAMS.model_copy(update={"most_windows": 100})
    rows = separable(150)
    knn = train_systems(rows, few, 0)["knn"]
    assert len(knn.arrays()["vectors"]) == 100


def test_nothing_to_learn_is_an_error() -> None:
    rows = separable()
    with pytest.raises(BaselineError, match="no instrument is known to play"):
        train_systems(replace(rows, targets=np.zeros_like(rows.targets)), PARAMS, 0)


def test_neighbours_are_the_nearest_that_are_observed() -> None:
    distances = np.array([[0.0, 1.0, 2.0, 3.0], [np.inf, np.inf, 1.0, 0.0]])
    targets = np.array([[1], [1], [0], [1]], np.uint8)
    observed = np.array([[0], [1], [1], [1]], np.uint8)
    assert positive_neighbours(distances, targets, observed, 2).tolist() == [[1], [1]]


def test_folds_keep_recordings_whole_and_leave_both_kinds_to_learn_from() -> None:
    rows = separable()
    fold = label_folds(rows.recordings, rows.targets[:, 0], 3)
    for name in np.unique(rows.recordings):
        assert len(np.unique(fold[rows.recordings == name])) == 1
    for held_out in range(3):
        rest = rows.targets[fold != held_out, 0]
        assert rest.any()
        assert not rest.all()


def test_calibration_decides_about_held_out_recordings_only() -> None:
    rows = separable()
    asked = []

    def decide(rest: np.ndarray, mine: np.ndarray) -> np.ndarray:
        assert not set(rows.recordings[rest]) & set(rows.recordings[mine])
        asked.extend(mine.tolist())
        return rows.values[mine, 0].astype(float)

    calibrate(rows.targets[:, 0], rows.weights, rows.recordings, 3, decide)
    assert sorted(asked) == list(range(len(rows)))


def test_too_few_recordings_leave_decisions_as_they_are() -> None:
    targets, recordings = np.array([True, False, False]), np.array(["a", "b", "c"])
    assert calibrate(targets, np.ones(3), recordings, 3, lambda *_: pytest.fail("nothing to hold out")) == PLAIN


def test_the_sigmoid_finds_the_true_probabilities() -> None:
    rng = np.random.default_rng(0)
    decisions = rng.normal(size=20000)
    targets = rng.random(20000) < 1 / (1 + np.exp(-(2 * decisions - 1)))
    found = fit_sigmoid(decisions, targets, np.ones(20000))
    assert found.slope == pytest.approx(2, abs=0.1)
    assert found.offset == pytest.approx(-1, abs=0.1)
