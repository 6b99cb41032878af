import math

import numpy as np
import pytest
import sklearn.metrics as sk

from instrumentarium.evaluation import ranking as r

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
METRICS = (r.map_macro, r.auroc_macro, r.lrap, r.coverage_error, r.brier)

TARGETS = np.array([[True, False], [False, True], [True, False], [False, False]])
SCORES = np.array([[0.9, 0.1], [0.8, 0.8], [0.3, 0.7], [0.3, 0.2]])
OBSERVED = np.ones_like(TARGETS)


def test_values_worked_out_by_hand():
    assert r.ap_per_instrument(TARGETS, SCORES, OBSERVED) == pytest.approx([1 / 2 + 1 / 2 * 2 / 4, 1])
    assert r.auroc_per_instrument(TARGETS, SCORES, OBSERVED) == pytest.approx([2.5 / 4, 1])  # one tie counts half
    assert r.lrap(TARGETS, SCORES, OBSERVED) == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)  # the second clip ties
    assert r.coverage_error(TARGETS, SCORES, OBSERVED) == pytest.approx((1 + 2 + 2) / 3)
    assert r.brier(TARGETS, SCORES, OBSERVED) == pytest.approx(
        (0.01 + 0.01 + 0.64 + 0.04 + 0.49 + 0.49 + 0.09 + 0.04) / 8
    )


def test_a_mask_takes_an_instrument_out_of_the_ranking():
    observed = OBSERVED.copy()
    observed[1, 0] = observed[2, 1] = False
    assert r.lrap(TARGETS, SCORES, observed) == 1
    assert r.coverage_error(TARGETS, SCORES, observed) == 1


def test_scores_that_equal_the_truth_are_perfect(many_arrays):
    for case in many_arrays(200):
        perfect = case.targets, case.targets.astype(float), case.observed
        present, absent = case.targets & case.observed, ~case.targets & case.observed
        for metric in (r.map_macro, r.lrap):
            assert metric(*perfect) == pytest.approx(1 if present.any() else math.nan, nan_ok=True)
        both = (present.any(axis=0) & absent.any(axis=0)).any()
        assert r.auroc_macro(*perfect) == pytest.approx(1 if both else math.nan, nan_ok=True)
        assert r.brier(*perfect) == pytest.approx(0 if case.observed.any() else math.nan, nan_ok=True)


def test_equal_scores_rank_nothing():
    rng = np.random.default_rng(0)
    targets = rng.random((200, 4)) < 0.3
    even, observed = np.full(targets.shape, 0.5), np.ones_like(targets)
    assert r.auroc_macro(targets, even, observed) == 0.5
    assert r.ap_per_instrument(targets, even, observed) == pytest.approx(targets.mean(axis=0))


def test_only_the_order_of_scores_matters(many_arrays):
    for case in many_arrays(100):
        squeezed = 0.2 + case.scores**3 / 2
        for metric in (r.map_macro, r.auroc_macro, r.lrap, r.coverage_error):
            assert metric(case.targets, squeezed, case.observed) == pytest.approx(metric(*case.graded), **EXACT)


def test_the_order_of_clips_changes_nothing(many_arrays):
    for case in many_arrays(100):
        shuffled = case.permuted(np.random.default_rng(2).permutation(len(case.targets)))
        for metric in METRICS:
            assert metric(*shuffled.graded) == pytest.approx(metric(*case.graded), **EXACT)


def test_unobserved_pairs_never_count(many_arrays):
    for case in many_arrays(100):
        rng = np.random.default_rng(1)
        scores = np.where(case.observed, case.scores, rng.random(case.scores.shape))
        targets = case.targets ^ (~case.observed & (rng.random(case.targets.shape) < 0.5))
        for metric in METRICS:
            assert metric(targets, scores, case.observed) == pytest.approx(metric(*case.graded), **EXACT)


@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.statistical)])
def test_areas_equal_scikit_learn_where_it_is_defined(many_arrays, count):
    """On 1,000 random arrays: some 4,500 instruments, with ties, absent instruments and masks."""
    for case in many_arrays(count):
        precisions, areas = r.ap_per_instrument(*case.graded), r.auroc_per_instrument(*case.graded)
        for column in range(case.targets.shape[1]):
            seen = case.observed[:, column]
            target, score = case.targets[seen, column], case.scores[seen, column]
            if target.any():
                assert precisions[column] == pytest.approx(sk.average_precision_score(target, score), **EXACT)
            else:
                assert np.isnan(precisions[column])
            if target.any() and not target.all():
                assert areas[column] == pytest.approx(sk.roc_auc_score(target, score), **EXACT)
            else:
                assert np.isnan(areas[column])


@pytest.mark.parametrize("count", [25, pytest.param(250, marks=pytest.mark.statistical)])
def test_rankings_equal_scikit_learn(many_arrays, count):
    """On random arrays. scikit-learn knows no mask: clips are compared one by one, over their observed instruments."""
    for case in many_arrays(count):
        expected_lrap, expected_depth = [], []
        for target, score, seen in zip(case.targets, case.scores, case.observed, strict=True):
            if (target & seen).any():
                # one more instrument, silent and ranked last, keeps a single one from being read as binary labels
                truth, scored = np.append(target[seen], False)[None], np.append(score[seen], -1.0)[None]
                expected_lrap.append(sk.label_ranking_average_precision_score(truth, scored))
                expected_depth.append(sk.coverage_error(truth, scored))
        if expected_lrap:
            assert r.lrap(*case.graded) == pytest.approx(np.mean(expected_lrap), **EXACT)
            assert r.coverage_error(*case.graded) == pytest.approx(np.mean(expected_depth), **EXACT)
        else:
            assert math.isnan(r.lrap(*case.graded))
            assert math.isnan(r.coverage_error(*case.graded))
        if case.observed.any():
            expected = np.mean((case.targets[case.observed] - case.scores[case.observed]) ** 2)
            assert r.brier(*case.graded) == pytest.approx(expected, **EXACT)


def test_where_nothing_is_known_nothing_is_scored():
    nothing = np.zeros((3, 4), dtype=np.bool_)
    for metric in METRICS:
        assert math.isnan(metric(nothing, np.full((3, 4), 0.5), nothing)), metric.__name__
        assert math.isnan(metric(nothing[:0], np.zeros((0, 4)), nothing[:0])), metric.__name__


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        (np.where(TARGETS, np.nan, 0.5), ValueError, "3 scores are not probabilities, first nan in row 0, column 0"),
        (SCORES * 2, ValueError, r"4 scores are not probabilities, first 1.8 in row 0, column 0"),
        (SCORES - 0.5, ValueError, "apply the sigmoid"),
        (SCORES[:, :1], ValueError, r"found targets \(4, 2\), scores \(4, 1\), observed \(4, 2\)"),
        (np.ones((4, 2), dtype=int), TypeError, "scores are int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(scores, error, message):
    for metric in METRICS:
        with pytest.raises(error, match=message):
            metric(TARGETS, scores, OBSERVED)
