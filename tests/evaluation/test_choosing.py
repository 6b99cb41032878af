import numpy as np
import pytest

from instrumentarium.evaluation import EvaluationError
from instrumentarium.evaluation.choosing import (
    SHRINKAGE_RECORDINGS,
    best_global_threshold,
    best_threshold,
    choose_thresholds,
    cross_fitted_predictions,
)
from instrumentarium.evaluation.metrics import f1_macro
from instrumentarium.evaluation.ranking import operating_points
from instrumentarium.evaluation.thresholds import RULES
from taxonomies import IRMAS11

CODES = IRMAS11.codes


def points(targets: str, *scores: float):
    return operating_points(np.array([letter == "1" for letter in targets]), np.array(scores))


def validation(seed: int = 0, clips: int = 200):
    """Clips of 40 recordings; instrument c has its classes best parted at 0.2 + 0.06 c."""
    rng = np.random.default_rng(seed)
    targets = rng.random((clips, 11)) < np.linspace(0.05, 0.5, 11)
    middles = 0.2 + 0.06 * np.arange(11)
    scores = np.clip(middles + 0.1 * (2 * targets - 1) + 0.05 * rng.standard_normal(targets.shape), 0, 1)
    recordings = np.array([f"song/{row % 40:02d}" for row in range(clips)])
    return targets, scores, np.ones_like(targets), recordings


def test_the_threshold_is_midway_between_the_scores_it_parts():
    assert best_threshold(points("0011", 0.1, 0.2, 0.6, 0.9)) == pytest.approx(0.4)
    assert best_threshold(points("11", 0.3, 0.5)) == pytest.approx(0.15)
    assert best_threshold(points("1", 0.0)) == 0.5  # no threshold is 0: a score of 0 never predicts
    assert best_threshold(points("1", 1.0)) == 0.5


def test_of_equally_good_thresholds_the_widest_plateau_is_taken():
    # one hit and one miss, or two hits and two false alarms: F1 is 2/3 either way
    assert best_threshold(points("1001", 0.9, 0.5, 0.45, 0.3)) == pytest.approx(0.7)
    assert best_threshold(points("1001", 0.9, 0.8, 0.75, 0.6)) == pytest.approx(0.3)
    assert best_threshold(points("1001", 0.875, 0.375, 0.25, 0.125)) == pytest.approx(0.625)


def test_tied_scores_are_predicted_together():
    assert best_threshold(points("1010", 0.6, 0.6, 0.6, 0.1)) == pytest.approx(0.35)


def test_neighbouring_scores_leave_room_for_no_midpoint():
    high = 0.5
    low = float(np.nextafter(high, 0))
    threshold = best_threshold(points("01", low, high))
    assert low < threshold <= high


def test_no_threshold_does_better_on_the_clips_it_was_chosen_on():
    targets, scores, observed, _ = validation()
    found = best_global_threshold(targets, scores, observed)
    best = f1_macro(targets, scores >= found, observed)
    for other in np.linspace(0, 1, 401):
        assert f1_macro(targets, scores >= other, observed) <= best + 1e-12
    for column in range(11):
        one = (slice(None), slice(column, column + 1))
        own = best_threshold(operating_points(targets[:, column], scores[:, column]))
        best = f1_macro(targets[one], scores[one] >= own, observed[one])
        for other in np.linspace(0, 1, 401):
            assert f1_macro(targets[one], scores[one] >= other, observed[one]) <= best + 1e-12


def test_choosing_is_the_same_for_any_order_of_clips():
    arrays = validation()
    order = np.random.default_rng(1).permutation(len(arrays[0]))
    assert choose_thresholds(*arrays, codes=CODES, rule="global") == choose_thresholds(
        *(a[order] for a in arrays), codes=CODES, rule="global"
    )


def test_unobserved_pairs_have_no_say():
    targets, scores, observed, recordings = validation()
    observed = np.random.default_rng(3).random(targets.shape) < 0.6
    rng = np.random.default_rng(4)
    other = np.where(observed, scores, rng.random(scores.shape))
    flipped = targets ^ (~observed & (rng.random(targets.shape) < 0.5))
    expected = choose_thresholds(targets, scores, observed, recordings, codes=CODES, rule="per_instrument")
    assert choose_thresholds(flipped, other, observed, recordings, codes=CODES, rule="per_instrument") == expected


def test_an_instruments_threshold_is_drawn_toward_the_global_one_where_it_rests_on_few_recordings():
    targets, scores, observed, recordings = validation()
    targets[:, 0] = False
    targets[0, 0] = True
    targets[:, 1] = False
    chosen = choose_thresholds(targets, scores, observed, recordings, codes=CODES, rule="per_instrument")
    assert chosen.positives["cel"].recordings == chosen.positives["cel"].clips == 1
    weight = 1 / (1 + SHRINKAGE_RECORDINGS)
    expected = weight * chosen.unshrunk["cel"] + (1 - weight) * chosen.global_
    assert chosen.per_instrument["cel"] == pytest.approx(expected, abs=1e-6)
    assert chosen.unshrunk["cla"] is None
    assert chosen.per_instrument["cla"] == chosen.global_
    many = chosen.positives["voi"].recordings
    assert abs(chosen.per_instrument["voi"] - chosen.unshrunk["voi"]) == pytest.approx(
        abs(chosen.unshrunk["voi"] - chosen.global_) * SHRINKAGE_RECORDINGS / (many + SHRINKAGE_RECORDINGS), abs=1e-6
    )


def test_thresholds_suit_instruments_whose_scores_differ():
    targets, scores, observed, recordings = validation()
    chosen = choose_thresholds(targets, scores, observed, recordings, codes=CODES, rule="per_instrument")
    fresh_targets, fresh_scores, fresh_observed, _ = validation(seed=1)
    f1 = {rule: f1_macro(fresh_targets, chosen.predict(fresh_scores, rule), fresh_observed) for rule in RULES}
    assert f1["per_instrument"] > f1["global"] > f1["fixed"]
    assert chosen.cross_fitted_f1_macro["per_instrument"] == pytest.approx(f1["per_instrument"], abs=0.05)


def test_cross_fitting_does_not_reward_thresholds_for_noise():
    """Where scores say nothing, thresholds chosen on the clips they are applied to look better than they are."""
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(20):
        targets = rng.random((120, 11)) < 0.1
        scores, observed = rng.random(targets.shape), np.ones_like(targets)
        recordings = np.array([f"song/{row // 3}" for row in range(120)])
        chosen = choose_thresholds(targets, scores, observed, recordings, codes=CODES, rule="per_instrument")
        dishonest = f1_macro(targets, chosen.predict(scores), observed)
        gaps.append(dishonest - chosen.cross_fitted_f1_macro["per_instrument"])
    assert np.mean(gaps) > 0.01


def test_cross_fitting_keeps_a_recording_in_one_fold():
    """The truth of a recording must not reach its own thresholds: flipping it leaves its predictions as they were."""
    targets, scores, observed, recordings = validation()
    before = cross_fitted_predictions(targets, scores, observed, recordings)
    mine = recordings == "song/07"
    flipped = np.where(mine[:, None], ~targets, targets)
    after = cross_fitted_predictions(flipped, scores, observed, recordings)
    for rule in RULES:
        np.testing.assert_array_equal(after[rule][mine], before[rule][mine])


def test_without_anything_to_choose_on_there_is_an_error():
    targets, scores, observed, recordings = validation()
    with pytest.raises(EvaluationError, match="no instrument has an observed positive among the 200 validation clips"):
        choose_thresholds(np.zeros_like(targets), scores, observed, recordings, codes=CODES, rule="global")
    with pytest.raises(EvaluationError, match=r"clips of at least two recordings, .*; found 1"):
        choose_thresholds(targets, scores, observed, np.full(200, "song"), codes=CODES, rule="global")
    with pytest.raises(EvaluationError, match="unknown rule 'oracle'; allowed are fixed, global, per_instrument"):
        choose_thresholds(targets, scores, observed, recordings, codes=CODES, rule="oracle")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"200 clips need one recording each; found recordings of shape \(3,\)"):
        choose_thresholds(targets, scores, observed, recordings[:3], codes=CODES, rule="global")
