import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.special import expit

from instrumentarium.evaluation import calibration as c


def draw(seed=0, clips=4000, sharpness=1.0):
    """Scores whose logits are `sharpness` times those of the true probabilities."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((clips, 3))
    targets = rng.random(logits.shape) < expit(logits)
    return targets, expit(sharpness * logits), rng.random(logits.shape) < 0.8


def test_calibrated_scores_have_almost_no_error_and_a_temperature_of_one():
    truth = draw()
    assert c.ece_mean(*truth) < 0.03
    assert c.fit_temperature(*truth) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("sharpness", [0.5, 3.0])
def test_the_temperature_undoes_what_sharpened_the_scores(sharpness):
    targets, scores, observed = draw(sharpness=sharpness)
    temperature = c.fit_temperature(targets, scores, observed)
    assert temperature == pytest.approx(sharpness, rel=0.05)
    cooled = c.scaled(scores, temperature)
    assert c.ece_mean(targets, cooled, observed) < c.ece_mean(targets, scores, observed) / 2
    assert c.nll(targets, cooled, observed) < c.nll(targets, scores, observed)
    assert (np.diff(cooled[np.argsort(scores[:, 0]), 0]) >= 0).all()  # no ranking changes


def test_error_by_hand():
    targets = np.array([[True], [False], [True], [True]])
    scores = np.array(
        [[0.91], [0.91], [0.5], [0.5]]
    )  # a bin of two, half of them positive; a bin of two, both positive
    assert c.ece_per_instrument(targets, scores, targets | True) == pytest.approx([(0.41 * 2 + 0.5 * 2) / 4])


def test_what_is_unobserved_does_not_count():
    targets, scores, observed = draw()
    assert np.isnan(c.ece_per_instrument(targets, scores, observed & False)).all()
    assert c.fit_temperature(targets, scores, observed & False) == 1
    other = np.where(observed, scores, 1 - scores)
    for measure in (c.ece_per_instrument, c.brier_per_instrument, c.nll):
        assert np.array_equal(measure(targets, scores, observed), measure(targets, other, observed))


def test_brier_and_likelihood_equal_scikit_learns():
    targets, scores, observed = draw()
    for column, found in enumerate(c.brier_per_instrument(targets, scores, observed)):
        seen = observed[:, column]
        assert found == pytest.approx(sk.brier_score_loss(targets[seen, column], scores[seen, column]), abs=1e-12)
    assert c.nll(targets, scores, observed) == pytest.approx(sk.log_loss(targets[observed], scores[observed]), abs=1e-9)


def test_perfect_certainty_is_no_infinity():
    targets = np.array([[True, False]])
    assert np.isfinite(c.nll(targets, 1.0 - targets, targets | True))
    with pytest.raises(ValueError, match="not probabilities"):
        c.ece_mean(targets, np.full((1, 2), np.nan), targets | True)
