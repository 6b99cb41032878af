import numpy as np
import pytest
from model_fixtures import clip_samples, noise_clips

from instrumentarium.clips.levels import levels_db
from instrumentarium.clips.pooling import loudest_levels, pool_windows, summarise_windows, window_levels
from instrumentarium.clips.windows import cut_window, window_starts

VALUES = np.array([[0.1, 0.9], [0.3, 0.5], [0.2, 0.4], [0.8, 0.0]], dtype=np.float32)
ALL = np.ones(4)


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [0.35, 0.45]), ("max", [0.8, 0.9])])
def test_the_windows_of_one_recording_give_one_row(pooling: str, pooled: list[float]):
    np.testing.assert_allclose(pool_windows(VALUES, pooling, ALL), pooled, rtol=1e-6)
    assert pool_windows(VALUES, pooling, ALL).dtype == np.float64


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [[0.2, 0.6], [0.8, 0.0]]), ("max", [[0.3, 0.9], [0.8, 0.0]])])
def test_windows_with_owners_give_a_row_a_clip(pooling: str, pooled: list[list[float]]):
    np.testing.assert_allclose(pool_windows(VALUES, pooling, ALL, np.array([0, 0, 0, 1])), pooled, rtol=1e-6)


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [0.2, 0.7]), ("max", [0.3, 0.9])])
def test_a_window_of_weight_0_might_as_well_not_be_there(pooling: str, pooled: list[float]):
    np.testing.assert_allclose(pool_windows(VALUES, pooling, np.array([1.0, 1.0, 0.0, 0.0])), pooled, rtol=1e-6)


@pytest.mark.parametrize(("pooling", "pooled"), [("mean", [0.15 / 1.5 + 0.1 / 1.5, 0.7 / 1.5]), ("max", [0.15, 0.5])])
def test_a_window_of_half_a_weight_counts_half(pooling: str, pooled: list[float]):
    values = np.array([[0.3, 0.4], [0.1, 0.5]])
    np.testing.assert_allclose(pool_windows(values, pooling, np.array([0.5, 1.0])), pooled, rtol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_by_owner_is_pooling_each_clip_alone(pooling: str):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, size=20)
    values, owners = rng.random((counts.sum(), 5)), np.repeat(np.arange(20), counts)
    weights = rng.uniform(0.1, 1.0, len(owners))
    alone = [pool_windows(values[owners == clip], pooling, weights[owners == clip]) for clip in range(20)]
    np.testing.assert_allclose(pool_windows(values, pooling, weights, owners), alone, rtol=1e-12)


def test_one_window_is_its_own_mean_and_maximum():
    for pooling in ("mean", "max"):
        np.testing.assert_array_equal(pool_windows(VALUES[:1], pooling, ALL[:1]), VALUES[0].astype(float))
        np.testing.assert_array_equal(pool_windows(VALUES, pooling, ALL, np.arange(4)), VALUES.astype(float))


def test_every_windows_level_stands_beside_its_clip():
    clips = noise_clips([250, 80, 1003])
    levels, owners = window_levels(clip_samples(clips), 100, 50)
    expected = [
        levels_db(np.stack([cut_window(clip, start, 100) for start in window_starts(len(clip), 100, 50)]))
        for clip in clips
    ]
    np.testing.assert_array_equal(owners, np.repeat(np.arange(3), [len(each) for each in expected]))
    np.testing.assert_allclose(levels, np.concatenate(expected), rtol=1e-12)
    np.testing.assert_allclose(loudest_levels(clip_samples(clips), 100, 50), [each.max() for each in expected])


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_what_follows_a_clips_end_in_silence_or_far_below_leaves_its_summary(batch_size: int):
    clip = noise_clips([1000], seed=2)[0]
    hiss = np.random.default_rng(0).integers(-9, 10, 1000).astype(np.int16)

    def spread(windows: np.ndarray) -> np.ndarray:  # the flatter a window, the higher its value
        scaled = windows / np.maximum(np.abs(windows).max(axis=1, keepdims=True), 1)
        return np.stack([scaled.std(axis=1), 1 - scaled.std(axis=1)], axis=1).astype(np.float32)

    def summary(*ends: np.ndarray) -> np.ndarray:
        samples = clip_samples([clip, np.concatenate([clip, *ends])])
        found = summarise_windows(samples, 100, 100, batch_size, 35.0, spread)
        return np.stack([found.mean, found.maximum])

    for end in (np.zeros(1000, np.int16), hiss):
        alone, longer = summary(end)[:, 0], summary(end)[:, 1]
        np.testing.assert_allclose(longer, alone, rtol=1e-9)
