"""The range test takes the rates it says, ends when the loss is lost, and suggests where it falls fastest."""

import numpy as np
import pytest
from model_fixtures import STILL, timbre_data, tiny_run

from instrumentarium.training.find_lr import (
    DIVERGED,
    SMOOTHING,
    LearningRateError,
    Point,
    RangeTest,
    find_learning_rate,
    steepest_fall,
)

TRAIN = timbre_data(18, seed=1)


def range_test(*, highest: float = 0.3, steps: int = 40, **training: object) -> RangeTest:
    return find_learning_rate(tiny_run(augment=STILL, **training), TRAIN, lowest=1e-5, highest=highest, steps=steps)


def test_rates_rise_by_the_same_factor_and_one_at_which_it_learns_is_suggested():
    found = range_test()
    rates = np.array([point.learning_rate for point in found.points])
    assert len(rates) == 40
    np.testing.assert_allclose(np.log(rates), np.linspace(np.log(1e-5), np.log(0.3), 40))
    assert 1e-4 < found.suggestion < 0.3
    assert min(point.smoothed for point in found.points) < 0.8 * found.points[0].smoothed


def test_losses_are_smoothed_without_a_bias_to_the_beginning():
    average = 0.0
    for step, point in enumerate(range_test(steps=10).points):
        average = SMOOTHING * average + (1 - SMOOTHING) * point.loss
        assert point.smoothed == pytest.approx(average / (1 - SMOOTHING ** (step + 1)))


def test_it_ends_when_the_loss_is_lost():
    found = range_test(highest=1e6, steps=60)
    assert len(found.points) < 60
    lowest = min(point.smoothed for point in found.points)
    assert all(point.smoothed <= DIVERGED * lowest for point in found.points[10:])


@pytest.mark.filterwarnings("error")
def test_every_group_of_weights_gets_the_rate():
    assert len(range_test(steps=10, decay_norms=False).points) == 10


def test_equal_tests_find_the_same():
    assert range_test(steps=10) == range_test(steps=10)


def test_the_suggestion_is_at_the_steepest_fall():
    losses = [1.0, 0.99, 0.95, 0.6, 0.4, 0.39, 0.5, 2.0]
    points = [Point(10.0**-place, loss, loss) for place, loss in zip(range(8, 0, -1), losses, strict=True)]
    assert steepest_fall(points) == 1e-5
    with pytest.raises(LearningRateError, match="the loss falls at no learning rate"):
        steepest_fall(points[5:])
    with pytest.raises(LearningRateError, match="the loss falls at no learning rate"):
        steepest_fall(points[:1])


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(LearningRateError, match="a range test needs at least 10 steps, found 9"):
        range_test(steps=9)
    with pytest.raises(LearningRateError, match="must be above 0 and below the highest; found 1e-05 and 1e-06"):
        range_test(highest=1e-6)
