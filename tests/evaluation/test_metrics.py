import math
import warnings

import numpy as np
import pytest
import sklearn.metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from instrumentarium.evaluation import metrics as m

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}


def boolean(*rows: str) -> np.ndarray:
    return np.array([[letter == "1" for letter in row] for row in rows])


# Three clips, four instruments; the last instrument never plays, one pair of the third clip is unknown.
TARGETS = boolean("1100", "0100", "0010")
PREDICTIONS = boolean("1010", "0101", "0110")
OBSERVED = boolean("1111", "1111", "1011")
TRUTH = TARGETS, PREDICTIONS, OBSERVED


def test_values_worked_out_by_hand():
    outcomes = m.count_outcomes(*TRUTH)
    assert outcomes.true_positives.tolist() == [1, 1, 1, 0]
    assert outcomes.false_positives.tolist() == [0, 0, 1, 1]
    assert outcomes.false_negatives.tolist() == [0, 1, 0, 0]
    assert outcomes.true_negatives.tolist() == [2, 0, 1, 2]
    assert m.f1_per_instrument(*TRUTH) == pytest.approx([1, 2 / 3, 2 / 3, math.nan], nan_ok=True)
    assert m.precision_per_instrument(*TRUTH).tolist() == [1, 1, 0.5, 0]
    assert m.recall_per_instrument(*TRUTH) == pytest.approx([1, 0.5, 1, math.nan], nan_ok=True)
    assert m.f1_macro(*TRUTH) == pytest.approx(7 / 9)
    assert m.f1_micro(*TRUTH) == pytest.approx(6 / 9)
    assert m.f1_samples(*TRUTH) == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)
    assert m.hamming(*TRUTH) == pytest.approx(8 / 11)
    assert m.hamming_all_zeros(TARGETS, OBSERVED) == pytest.approx(7 / 11)
    assert m.exact_match(*TRUTH) == pytest.approx(1 / 3)


def test_a_perfect_predictor_scores_one(many_arrays):
    for case in many_arrays(200):
        perfect = case.targets, case.targets, case.observed
        for metric in (m.f1_macro, m.f1_micro, m.f1_samples):
            expected = 1.0 if (case.targets & case.observed).any() else math.nan
            assert metric(*perfect) == pytest.approx(expected, nan_ok=True), metric.__name__
        if case.observed.any():
            assert m.hamming(*perfect) == m.exact_match(*perfect) == 1


def test_answering_nothing_scores_no_f1_but_a_high_hamming_score():
    rng = np.random.default_rng(0)
    targets = rng.random((500, 11)) < 0.15
    nothing, everything = np.zeros_like(targets), np.ones_like(targets)
    assert m.f1_macro(targets, nothing, everything) == m.f1_micro(targets, nothing, everything) == 0
    assert m.f1_samples(targets, nothing, everything) == 0
    assert m.hamming(targets, nothing, everything) == m.hamming_all_zeros(targets, everything) > 0.8
    assert np.isnan(m.precision_per_instrument(targets, nothing, everything)).all()


def test_unobserved_pairs_never_count(many_arrays):
    for case in many_arrays(100):
        rng = np.random.default_rng(1)
        other = case.predictions ^ (~case.observed & (rng.random(case.targets.shape) < 0.5))
        truth = case.targets ^ (~case.observed & (rng.random(case.targets.shape) < 0.5))
        for metric in (m.f1_macro, m.f1_micro, m.f1_samples, m.hamming, m.exact_match):
            assert metric(truth, other, case.observed) == pytest.approx(metric(*case.truth), nan_ok=True, abs=0)


def test_the_order_of_clips_changes_nothing(many_arrays):
    for case in many_arrays(100):
        shuffled = case.permuted(np.random.default_rng(2).permutation(len(case.targets)))
        for metric in (m.f1_macro, m.f1_micro, m.f1_samples, m.hamming, m.exact_match, m.false_instrument_rate):
            assert metric(*shuffled.truth) == pytest.approx(metric(*case.truth), **EXACT)


@pytest.mark.parametrize("count", [50, pytest.param(600, marks=pytest.mark.statistical)])
def test_equal_to_scikit_learn_where_it_is_defined(many_arrays, count):
    """On 600 random arrays: some 2,700 instruments, with ties, absent instruments and masks."""
    for case in many_arrays(count):
        f1 = m.f1_per_instrument(*case.truth)
        precision, recall = m.precision_per_instrument(*case.truth), m.recall_per_instrument(*case.truth)
        for column in range(case.targets.shape[1]):
            seen = case.observed[:, column]
            target, prediction = case.targets[seen, column], case.predictions[seen, column]
            if target.any():
                expected = sk.precision_recall_fscore_support(
                    target, prediction, pos_label=True, average="binary", zero_division=np.nan
                )
                assert f1[column] == pytest.approx(expected[2], **EXACT)
                assert precision[column] == pytest.approx(expected[0], **EXACT)
                assert recall[column] == pytest.approx(expected[1], **EXACT)
            else:
                assert np.isnan(f1[column])
                assert np.isnan(recall[column])
        seen_targets, seen_predictions = case.targets[case.observed], case.predictions[case.observed]
        if seen_targets.any():
            assert m.f1_micro(*case.truth) == pytest.approx(sk.f1_score(seen_targets, seen_predictions), **EXACT)
        if len(seen_targets):
            assert m.hamming(*case.truth) == pytest.approx(1 - sk.hamming_loss(seen_targets, seen_predictions), **EXACT)


@pytest.mark.parametrize("count", [50, pytest.param(300, marks=pytest.mark.statistical)])
def test_equal_to_scikit_learns_averages_where_all_is_observed(many_arrays, count):
    for case in many_arrays(count):
        playing = case.targets.any(axis=1)
        targets, predictions = case.targets[playing], case.predictions[playing]
        present = targets.any(axis=0)
        if not len(targets) or present.sum() < 2:
            continue
        targets, predictions = targets[:, present], predictions[:, present]
        truth = targets, predictions, np.ones_like(targets)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            assert m.f1_macro(*truth) == pytest.approx(sk.f1_score(targets, predictions, average="macro"), **EXACT)
            assert m.f1_micro(*truth) == pytest.approx(sk.f1_score(targets, predictions, average="micro"), **EXACT)
            assert m.f1_samples(*truth) == pytest.approx(sk.f1_score(targets, predictions, average="samples"), **EXACT)
            assert m.exact_match(*truth) == pytest.approx(sk.accuracy_score(targets, predictions), **EXACT)


def test_an_instrument_without_positives_is_left_out_of_the_mean_but_its_false_alarms_are_pooled():
    targets, observed = boolean("10", "10"), boolean("11", "11")
    clean, alarms = boolean("10", "10"), boolean("11", "11")
    assert m.f1_macro(targets, alarms, observed) == m.f1_macro(targets, clean, observed) == 1
    assert m.f1_micro(targets, alarms, observed) == pytest.approx(2 / 3)


def test_where_nothing_is_known_nothing_is_scored():
    nothing = np.zeros((3, 4), dtype=np.bool_)
    for metric in (m.f1_macro, m.f1_micro, m.f1_samples, m.hamming, m.exact_match, m.false_instrument_rate):
        assert math.isnan(metric(nothing, nothing, nothing)), metric.__name__
        assert math.isnan(metric(nothing[:0], nothing[:0], nothing[:0])), metric.__name__


def test_false_instrument_rate_looks_at_clips_known_to_hold_nothing():
    targets = boolean("00", "00", "00", "01")
    predictions = boolean("01", "00", "11", "11")
    observed = boolean("11", "11", "10", "11")
    assert m.false_instrument_rate(targets, predictions, observed) == 0.5


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (
            (TARGETS, PREDICTIONS[:2], OBSERVED),
            ValueError,
            r"found targets \(3, 4\), predictions \(2, 4\), observed \(3, 4\)",
        ),
        ((TARGETS[0], PREDICTIONS[0], OBSERVED[0]), ValueError, "must share one shape"),
        ((TARGETS, PREDICTIONS.astype(float), OBSERVED), TypeError, "predictions are float64; they must be Boolean"),
        ((TARGETS.astype(int), PREDICTIONS, OBSERVED), TypeError, "targets are int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, error, message):
    for metric in (m.f1_macro, m.f1_micro, m.f1_samples, m.hamming, m.exact_match, m.false_instrument_rate):
        with pytest.raises(error, match=message):
            metric(*arrays)
