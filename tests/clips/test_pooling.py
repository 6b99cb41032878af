import numpy as np
import pytest

from instrumentarium.clips.pooling import pool_windows

VALUES = np.array([[0.1, 0.9], [0.3, 0.5], [0.2, 0.4], [0.8, 0.0]], dtype=np.float32)


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [0.35, 0.45]), ("max", [0.8, 0.9])])
def test_the_windows_of_one_recording_give_one_row(pooling: str, pooled: list[float]):
    np.testing.assert_allclose(pool_windows(VALUES, pooling), pooled, rtol=1e-6)
    assert pool_windows(VALUES, pooling).dtype == np.float64


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [[0.2, 0.6], [0.8, 0.0]]), ("max", [[0.3, 0.9], [0.8, 0.0]])])
def test_windows_with_owners_give_a_row_a_clip(pooling: str, pooled: list[list[float]]):
    np.testing.assert_allclose(pool_windows(VALUES, pooling, np.array([0, 0, 0, 1])), pooled, rtol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_by_owner_is_pooling_each_clip_alone(pooling: str):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, size=20)
    values, owners = rng.random((counts.sum(), 5)), np.repeat(np.arange(20), counts)
    alone = [pool_windows(values[owners == clip], pooling) for clip in range(20)]
    np.testing.assert_allclose(pool_windows(values, pooling, owners), alone, rtol=1e-12)


def test_one_window_is_its_own_mean_and_maximum():
    for pooling in ("mean", "max"):
        np.testing.assert_array_equal(pool_windows(VALUES[:1], pooling), VALUES[0].astype(float))
        np.testing.assert_array_equal(pool_windows(VALUES, pooling, np.arange(4)), VALUES.astype(float))
