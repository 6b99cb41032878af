import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentarium.clips.windows import WindowError, check_window_length, cut_window, window_starts


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(1, [0]), (10, [0]), (11, [0, 1]), (14, [0, 4]), (15, [0, 4, 5]), (18, [0, 4, 8]), (19, [0, 4, 8, 9])],
)
def test_where_windows_of_ten_with_a_hop_of_four_start(samples: int, starts: list[int]):
    assert window_starts(samples, 10, 4) == starts


@given(
    samples=st.integers(1, 500), length=st.integers(1, 60), share=st.floats(0.01, 1, exclude_min=True, allow_nan=False)
)
def test_every_sample_is_heard_and_no_window_leaves_the_clip(samples: int, length: int, share: float):
    hop = max(1, round(length * share))
    starts = window_starts(samples, length, hop)
    covered = np.zeros(max(samples, length), dtype=bool)
    for start in starts:
        assert 0 <= start <= max(0, samples - length)
        covered[start : start + length] = True
    assert covered.all()
    assert starts == sorted(set(starts))
    assert all(later - earlier <= hop for earlier, later in itertools.pairwise(starts))


def test_a_window_within_the_clip_is_cut_without_a_copy():
    samples = np.arange(10, dtype=np.int16)
    window = cut_window(samples, 3, 4)
    assert window.tolist() == [3, 4, 5, 6]
    assert np.shares_memory(window, samples)


def test_a_window_beyond_the_clip_is_filled_with_silence():
    window = cut_window(np.array([5, 6, 7], dtype=np.int16), 1, 4)
    assert window.tolist() == [6, 7, 0, 0]
    assert window.dtype == np.int16


def test_a_window_longer_than_every_clip_is_refused():
    with pytest.raises(
        WindowError, match=r"windows\.length_s is 4, and the longest clip lasts 3\.20 s; set it to that or"
    ):
        check_window_length(4.0, [3.0, 3.2])
    check_window_length(3.2, [3.0, 3.2])
    check_window_length(4.0, [])
