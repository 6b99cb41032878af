"""Laws of how much a window counts beside the loudest one of its recording."""

import numpy as np
import pytest

from instrumentarium.clips.levels import FADE_DB, MARGIN_DB, SILENT_DB, levels_db, surely_above, window_weights

QUIETEST_DB = 35.0


def noise(level_db: float, samples: int = 4000, seed: int = 0) -> np.ndarray:
    sound = np.random.default_rng(seed).uniform(-1, 1, samples)
    return np.rint(sound / sound.std() * 10 ** (level_db / 20) * 32767).clip(-32767, 32767).astype(np.int16)


@pytest.mark.parametrize("level_db", [-6.0, -20.0, -57.0, -70.0])
def test_a_level_is_the_mean_power(level_db: float):
    assert levels_db(noise(level_db)[None])[0] == pytest.approx(level_db, abs=0.35 if level_db < -60 else 0.02)


def test_a_constant_offset_is_no_sound():
    shifted = (noise(-40.0).astype(int) + 9000).astype(np.int16)
    np.testing.assert_allclose(levels_db(np.stack([shifted])), [-40.0], atol=0.02)
    assert levels_db(np.full((1, 100), 9000, np.int16))[0] == SILENT_DB


@pytest.mark.parametrize(("step", "silent"), [(0, True), (8, True), (9, False)])
def test_what_ingest_calls_silent_is_silent(step: int, silent: bool):
    window = np.zeros((1, 100), np.int16)
    window[0, 50] = -step
    assert (levels_db(window)[0] == SILENT_DB) == silent


def test_the_loudest_window_counts_fully_and_weights_only_fall_with_the_level():
    below = np.linspace(0, 80, 161)
    weights = window_weights(-20.0 - below, QUIETEST_DB)
    assert (weights[below <= QUIETEST_DB - FADE_DB] == 1).all()
    assert (weights[below >= QUIETEST_DB] == 0).all()
    assert (np.diff(weights) <= 0).all()
    assert np.abs(np.diff(weights)).max() < 0.051  # no cliff: half a decibel moves it little
    assert weights[below == QUIETEST_DB - FADE_DB / 2] == pytest.approx(0.5)


def test_another_gain_of_the_whole_changes_no_weight():
    levels = np.random.default_rng(0).uniform(-70, -10, 50)
    np.testing.assert_allclose(window_weights(levels - 17.3, QUIETEST_DB), window_weights(levels, QUIETEST_DB))


def test_softer_windows_appended_change_no_weight_of_the_others():
    levels = np.random.default_rng(0).uniform(-70, -10, 50)
    longer = np.concatenate([levels, np.full(500, -75.0), np.full(500, SILENT_DB)])
    weights = window_weights(longer, QUIETEST_DB)
    np.testing.assert_array_equal(weights[:50], window_weights(levels, QUIETEST_DB))
    assert not weights[50:].any()


@pytest.mark.parametrize("level_db", [-1.0, -60.0, SILENT_DB])
def test_the_one_window_of_a_recording_always_counts(level_db: float):
    assert window_weights(np.array([level_db]), FADE_DB) == [1.0]


def test_silence_does_not_count_beside_sound_however_soft():
    np.testing.assert_array_equal(window_weights(np.array([SILENT_DB, -120.0]), 150.0), [0.0, 1.0])


def test_recordings_are_judged_each_by_its_own_loudest_window():
    levels, owners = np.array([-10.0, -50.0, -50.0, -60.0, -80.0]), np.array([0, 0, 1, 1, 2])
    np.testing.assert_array_equal(window_weights(levels, QUIETEST_DB, owners), [1.0, 0.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("offset", [0, 60, 3000, 20000])
def test_what_is_surely_above_a_limit_is_above_it_and_little_else_is_unsure(offset: int):
    rng = np.random.default_rng(offset)
    levels = rng.uniform(-90, -12, 300)
    windows = np.stack([noise(float(level), 64000, seed) for seed, level in enumerate(levels)]).astype(np.int32)
    windows = (windows + offset).clip(-32767, 32767).astype(np.int16)
    exact, limits = levels_db(windows), rng.uniform(-90, -12, 300)
    sure = surely_above(windows, limits)
    assert not (sure & (exact <= limits)).any()
    if not offset:
        assert (sure | (exact < limits + 1.1 * MARGIN_DB) | (exact < -65)).all()
    assert sure.any()
