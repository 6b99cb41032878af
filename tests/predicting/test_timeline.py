import numpy as np
import pytest

from instrumentarium.evaluation.calibration import scaled
from instrumentarium.predicting.timeline import (
    Segment,
    TimelineSettings,
    TimelineSettingsError,
    at_temperature,
    find_segments,
    frame_scores,
    smooth,
    strongest_windows,
    with_strongest,
)
from taxonomies import BAND3, IRMAS11

PLAIN = TimelineSettings(step_s=1.0, smooth_s=0.0, release=1.0, minimum_s=0.0)
CODES = IRMAS11.codes
HALF = np.full(len(CODES), 0.5)


def frames_of(cello: list[float]) -> np.ndarray:
    frames = np.zeros((len(cello), len(CODES)))
    frames[:, 0] = cello
    return frames


def test_one_window_gives_all_frames_its_score():
    frames = frame_scores(np.array([[0.2, 0.7]]), np.array([0.0]), 3.0, 1.2, 0.5)
    np.testing.assert_allclose(frames, [[0.2, 0.7]] * 3)


def test_equal_windows_give_equal_frames_however_they_overlap():
    for hop in (0.3, 1.5, 3.0):
        starts = np.append(np.arange(0, 57, hop), 57.0)
        frames = frame_scores(np.full((len(starts), 2), 0.4), starts, 3.0, 60.0, 0.5)
        assert frames.shape == (120, 2)
        np.testing.assert_allclose(frames, 0.4)


def test_a_frame_in_the_middle_of_a_window_follows_it_most():
    starts = np.array([0.0, 1.5, 3.0])
    frames = frame_scores(np.array([[0.0], [1.0], [0.0]]), starts, 3.0, 6.0, 1.0)[:, 0]
    assert frames.argmax() in {2, 3}
    assert frames[0] == pytest.approx(0.0)
    assert frames[2] == pytest.approx((1 - 0.5 / 1.5) / (1 - 0.5 / 1.5 + 1 - 1.0 / 1.5))  # windows 1 and 0 cover 2.5 s


def test_ten_hours_take_no_more_than_their_frames():
    starts = np.arange(0, 35997, 1.5)
    assert frame_scores(np.zeros((len(starts), 11)), starts, 3.0, 36000.0, 0.5).shape == (72000, 11)


def test_the_median_removes_what_is_shorter_than_half_of_it():
    frames = frames_of([0, 0, 1, 0, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(smooth(frames, 0.5, 1.5)[:, 0], [0, 0, 0, 0, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(smooth(frames, 0.5, 0.5), frames)


def test_a_stretch_at_its_threshold_is_found_from_start_to_end():
    found = find_segments(frames_of([0.4, 0.5, 0.7, 0.49, 0.9]), CODES, HALF, 4.5, PLAIN)
    assert found == (Segment("cel", 1.0, 3.0, 0.6), Segment("cel", 4.0, 4.5, 0.9))


def test_an_instrument_stays_while_it_keeps_its_share_of_the_threshold():
    settings = TimelineSettings(step_s=1.0, smooth_s=0.0, release=0.8, minimum_s=0.0)
    found = find_segments(frames_of([0.45, 0.5, 0.39, 0.45, 0.45]), CODES, HALF, 5.0, settings)
    assert [(part.start_s, part.end_s) for part in found] == [(0.0, 2.0)]  # the last two never reach the threshold


def test_a_stretch_is_cut_by_its_frames_and_scored_by_the_reported_ones():
    frames, reported = frames_of([0.4, 0.5, 0.7]), frames_of([0.1, 0.2, 0.4])
    assert find_segments(frames, CODES, HALF, 3.0, PLAIN, reported) == (Segment("cel", 1.0, 3.0, 0.3),)


def test_stretches_that_start_together_come_in_the_order_of_the_taxonomy():
    found = find_segments(np.full((2, 3), 0.9), BAND3.codes, np.full(3, 0.5), 2.0, PLAIN)
    assert [part.instrument for part in found] == list(BAND3.codes)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_temperature_is_evaluations_and_leaves_silence_alone(temperature: float):
    scores = np.random.default_rng(0).uniform(0.001, 0.999, (50, 11))
    np.testing.assert_allclose(at_temperature(scores, temperature), scaled(scores, temperature), rtol=1e-9)
    np.testing.assert_array_equal(at_temperature(np.array([0.0, 0.5, 1.0]), temperature), [0.0, 0.5, 1.0])


def test_what_is_too_short_is_dropped_unless_it_is_all_there_is():
    settings = TimelineSettings(step_s=0.5, smooth_s=0.0, release=1.0, minimum_s=1.0)
    assert find_segments(frames_of([0.9, 0.0, 0.9, 0.9]), CODES, HALF, 2.0, settings) == (
        Segment("cel", 1.0, 2.0, 0.9),
    )
    assert find_segments(frames_of([0.9]), CODES, HALF, 0.3, settings) == (Segment("cel", 0.0, 0.3, 0.9),)


def test_the_strongest_window_of_each_instrument_ends_where_the_recording_does():
    scores = np.array([[0.1, 0.7, 0.0], [0.9, 0.6, 0.0], [0.2, 0.1, 0.3]])
    assert strongest_windows(scores, np.array([0.0, 1.5, 2.5]), 2.0, 4.0, BAND3.codes) == (
        Segment(BAND3.codes[0], 1.5, 3.5, 0.9),
        Segment(BAND3.codes[1], 0.0, 2.0, 0.7),
        Segment(BAND3.codes[2], 2.5, 4.0, 0.3),
    )


def test_only_an_instrument_without_a_stretch_gets_its_strongest_window():
    first, second, third = BAND3.codes
    found = (Segment(second, 1.0, 4.0, 0.7),)
    strongest = (Segment(first, 1.0, 3.0, 0.6), Segment(second, 0.0, 2.0, 0.8), Segment(third, 0.0, 2.0, 0.6))
    assert with_strongest(found, strongest, BAND3.codes) == (strongest[2], strongest[0], found[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"step_s": 0.0},
        {"step_s": float("nan")},
        {"smooth_s": -1.0},
        {"minimum_s": -1.0},
        {"release": 0.0},
        {"release": 1.1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]):
    with pytest.raises(TimelineSettingsError, match="found"):
        TimelineSettings(**wrong)
