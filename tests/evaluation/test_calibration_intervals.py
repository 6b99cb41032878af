import numpy as np
import pytest
from scipy.special import expit
from scored_fixtures import scored_clips

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.calibration import BINS, ece_mean, ece_per_instrument
from instrumentarium.evaluation.calibration_intervals import ece_deviations, resampled_ece


def songs(rng: np.random.Generator, count: int, sharpness: float, instruments: int = 2) -> ScoredClips:
    """Return clips of songs, in which much the same plays; the logits are `sharpness` times those of the true chances."""
    sizes = rng.integers(1, 8, count)
    song = np.repeat(np.arange(count), sizes)
    shape = len(song), instruments
    logits = rng.normal(-1.0, 1.8, (count, instruments))[song] + 0.5 * rng.standard_normal(shape)
    common, own = rng.random((count, instruments))[song], rng.random(shape)
    luck = np.where(rng.random(shape) < 0.7, common, own)
    targets, observed = luck < expit(logits), rng.random(shape) < 0.9
    names = np.char.mod("%05d", song)
    return scored_clips(targets, observed, expit(sharpness * logits), names)


@pytest.mark.parametrize("sharpness", [1.0, 1.5, 3.0], ids=["calibrated", "overconfident", "far too confident"])
def test_intervals_hold_the_error_of_endless_data_at_least_as_often_as_they_say(sharpness: float):
    large = songs(np.random.default_rng(0), 40_000, sharpness)
    graded = large.targets, large.scores, large.observed
    truth, mean = ece_per_instrument(*graded), ece_mean(*graded)
    held, mean_held, trials = 0.0, 0, 150
    for trial in range(trials):
        split = songs(np.random.default_rng([1, trial]), 80, sharpness)
        deviations = ece_deviations(split, draw_weights(split.recordings, 250, trial))
        low, high = deviations.interval()
        held += float(((low <= truth) & (truth <= high)).mean())
        low, high = deviations.mean().interval()
        mean_held += bool(low[0] <= mean <= high[0])
    assert held / trials >= 0.93
    assert mean_held / trials >= 0.93


def test_percentiles_of_resamples_would_leave_the_truth_out():
    large = songs(np.random.default_rng(0), 40_000, 1.0)
    mean, held = ece_mean(large.targets, large.scores, large.observed), 0
    for trial in range(40):
        split = songs(np.random.default_rng([1, trial]), 80, 1.0)
        resampled = resampled_ece(split, draw_weights(split.recordings, 250, trial)).mean(axis=1)
        held += bool(np.quantile(resampled, 0.025) <= mean <= np.quantile(resampled, 0.975))
    assert held / 40 < 0.5


def test_intervals_hold_the_estimate_and_narrow_with_more_songs():
    widths = []
    for count in (50, 500):
        split = songs(np.random.default_rng(3), count, 2.0)
        found = ece_deviations(split, draw_weights(split.recordings, 300, 0))
        np.testing.assert_allclose(found.error, ece_per_instrument(split.targets, split.scores, split.observed))
        for each in (found, found.mean()):
            low, high = each.interval()
            assert ((low >= 0) & (low <= each.error) & (each.error <= high)).all()
        widths.append(float(np.ptp([*found.mean().interval()])))
    assert widths[1] < widths[0] / 2


def test_resampled_errors_are_those_of_the_drawn_clips():
    split = songs(np.random.default_rng(5), 30, 2.0)
    weights = draw_weights(split.recordings, 6, 0)
    for row, found in zip(weights, resampled_ece(split, weights), strict=True):
        drawn = split.where(np.repeat(np.arange(len(row)), row.astype(int)))  # type: ignore[arg-type]
        np.testing.assert_allclose(found, ece_per_instrument(drawn.targets, drawn.scores, drawn.observed), atol=1e-12)


def test_deviations_by_hand():
    """Two recordings of a clip each, in bins of their own: resamples are both, or one of them twice."""
    targets, scores = np.array([[False], [True]]), np.array([[0.1], [0.9]])
    split = scored_clips(targets, targets | True, scores, np.array(["a", "b"]))
    assert BINS == 15
    found = ece_deviations(split, np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]))
    # gaps over the number of clips: 0.05 and -0.05; resampled (0.05, -0.05), (0.1, 0), (0, -0.1)
    np.testing.assert_allclose(found.error, [0.1])
    np.testing.assert_allclose(found.above, [[0.0], [0.1], [0.1]], atol=1e-12)  # neither sign is clear
    np.testing.assert_allclose(found.below, [[0.0], [0.0], [0.0]], atol=1e-12)


def test_what_nobody_observed_has_no_interval_and_does_not_count():
    split = songs(np.random.default_rng(7), 40, 2.0)
    weights = draw_weights(split.recordings, 200, 0)
    blind = scored_clips(split.targets, split.observed & [True, False], split.scores, split.recordings)
    found, known = ece_deviations(blind, weights), ece_deviations(split, weights)
    ends = np.array(found.interval())
    assert np.isnan(ends[:, 1]).all()
    np.testing.assert_array_equal(ends[:, 0], np.array(known.interval())[:, 0])
    np.testing.assert_array_equal(np.array(found.mean().interval())[:, 0], ends[:, 0])
    nothing = scored_clips(split.targets, split.observed & False, split.scores, split.recordings)
    assert np.isnan(np.array(ece_deviations(nothing, weights).mean().interval())).all()
