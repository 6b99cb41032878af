import numpy as np
import pytest
import soxr
from duplicates.music import RATE_HZ, piece, to_float, to_int16

from instrumentarium.duplicates import landmarks
from instrumentarium.duplicates.landmarks import (
    BINS,
    HOP_S,
    LOWEST_HZ,
    WINDOW_S,
    count_frames,
    find_landmarks,
)


def test_a_burst_of_tone_is_a_landmark_where_it_sounds():
    time = np.arange(2 * RATE_HZ) / RATE_HZ
    burst = np.sin(2 * np.pi * 1000 * time) * np.exp(-(((time - 1.2) / 0.03) ** 2))
    found = find_landmarks(np.rint(20000 * burst).astype(np.int16), RATE_HZ)
    assert len(found) == 1
    frame, number = found[0]
    assert frame * HOP_S + WINDOW_S / 2 == pytest.approx(1.2, abs=HOP_S)
    assert LOWEST_HZ + number / WINDOW_S == pytest.approx(1000, abs=1 / WINDOW_S)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100])
def test_landmarks_lie_within_the_clip_and_are_sorted(rate: int):
    samples = to_int16(soxr.resample(to_float(piece(1)), RATE_HZ, rate))
    found = find_landmarks(samples, rate)
    assert len(found) > 20
    assert found[:, 0].max() < count_frames(len(samples), rate)
    assert found.min() >= 0
    assert found[:, 1].max() < BINS
    assert found.tolist() == sorted(found.tolist())


def test_a_gain_that_rounds_nothing_leaves_the_landmarks():
    quiet = piece(2) // 8
    np.testing.assert_array_equal(find_landmarks(quiet * 8, RATE_HZ), find_landmarks(quiet, RATE_HZ))


def test_a_shift_by_whole_frames_moves_the_landmarks():
    samples = piece(3)
    shift = 40
    moved = find_landmarks(samples[shift * 512 :], RATE_HZ)
    moved[:, 0] += shift
    found = find_landmarks(samples, RATE_HZ)
    inside = slice(shift + 10, None)  # a cut changes who is strongest near it
    first, second = (rows[rows[:, 0] >= inside.start].tolist() for rows in (found, moved))
    assert len(first) > 50
    assert first == second


def test_a_sustained_tone_and_silence_have_none():
    time = np.arange(3 * RATE_HZ) / RATE_HZ
    tone = np.rint(9000 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 660 * time))).astype(np.int16)
    assert len(find_landmarks(tone, RATE_HZ)) == 0
    assert len(find_landmarks(np.zeros(RATE_HZ, np.int16), RATE_HZ)) == 0


@pytest.mark.parametrize("n_samples", [0, 1, 2047])
def test_a_clip_without_a_whole_frame_has_none(n_samples: int):
    assert find_landmarks(piece(4)[:n_samples], RATE_HZ).shape == (0, 2)
    assert count_frames(n_samples, RATE_HZ) == 0
    assert count_frames(2048, RATE_HZ) == 1
    assert count_frames(2048 + 512, RATE_HZ) == 2


def test_blocks_leave_no_trace(monkeypatch: pytest.MonkeyPatch):
    whole = find_landmarks(piece(5), RATE_HZ)
    monkeypatch.setattr(landmarks, "BLOCK_FRAMES", 37)
    np.testing.assert_array_equal(find_landmarks(piece(5), RATE_HZ), whole)
