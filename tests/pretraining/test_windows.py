"""Windows without labels come from every clip alike, and pairs from one recording."""

from collections import Counter

import numpy as np
import pytest
from model_fixtures import clip_samples

from instrumentarium.pretraining.windows import PairedWindows, SingleWindows, TooFewRecordingsError, Unlabelled

CLIPS = 12
CUT = {"windows": 36, "window_samples": 50, "batch_size": 6, "seed": 1}


def data(recordings: int = 6) -> Unlabelled:
    """Return clips whose samples all say which clip they are of."""
    clips = [np.full(200, number, dtype=np.int16) for number in range(CLIPS)]
    return Unlabelled(clip_samples(clips), [f"r{number % recordings}" for number in range(CLIPS)])


def test_single_windows_are_drawn_from_every_clip_equally_often() -> None:
    batches = SingleWindows(data(), epoch=0, **CUT)
    assert len(batches) == 6
    clips = [int(window[0]) for number in range(6) for window in batches[number].waveforms]
    assert Counter(clips) == dict.fromkeys(range(CLIPS), 3)
    again = [
        int(window[0]) for number in range(6) for window in SingleWindows(data(), epoch=0, **CUT)[number].waveforms
    ]
    assert again == clips
    later = [
        int(window[0]) for number in range(6) for window in SingleWindows(data(), epoch=1, **CUT)[number].waveforms
    ]
    assert later != clips


def test_pairs_are_of_one_recording_and_differ_from_all_others_of_the_batch() -> None:
    batches = PairedWindows(data(), epoch=0, **CUT)
    assert len(batches) == 6
    for number in range(6):
        first, second = batches[number].waveforms[:, 0].chunk(2)
        assert (first % 6).tolist() == (second % 6).tolist()
        assert len(set((first % 6).tolist())) == 3
        assert (first != second).all(), "two clips of a recording are there, so both are used"


def test_a_small_split_makes_smaller_batches() -> None:
    assert PairedWindows(data(2), epoch=0, **CUT)[0].waveforms.shape == (4, 50)
    few = SingleWindows(data(), epoch=0, **CUT | {"windows": 4})
    assert (len(few), len(few[0].waveforms)) == (1, 4)


def test_one_recording_has_nothing_to_be_told_from() -> None:
    with pytest.raises(TooFewRecordingsError, match="a split has 1"):
        PairedWindows(data(1), epoch=0, **CUT)
