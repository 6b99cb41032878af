"""The spectrogram of a picture: a tone stands at its frequency and in its time, at any rate and in any blocks."""

import numpy as np
import pytest

from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.spectrogram import COLUMNS, RANGE_DB, compute_spectrogram


@pytest.mark.parametrize("rate_hz", [8000, 22050, 32000, 44100])
@pytest.mark.parametrize("tone_hz", [300.0, 1000.0, 3000.0])
def test_a_tone_stands_at_its_frequency_while_it_sounds(rate_hz: int, tone_hz: float):
    time_s = np.arange(2 * rate_hz) / rate_hz
    tone = np.where(time_s < 1, 0.5 * np.sin(2 * np.pi * tone_hz * time_s), 0.0)
    found = compute_spectrogram(SampleStream.of_array(tone, rate_hz, rate_hz), 2.0)
    bands, columns = found.decibels.shape
    assert len(found.centres_hz) == bands
    margin = int(0.064 * columns)  # half the longest frame
    sounding = found.decibels[:, : columns // 2 - margin]
    assert (np.abs(found.centres_hz[sounding.argmax(axis=0)] / tone_hz - 1) < 0.1).all()
    assert sounding.max() == pytest.approx(0.0, abs=1.0)
    np.testing.assert_allclose(found.decibels[:, columns // 2 + margin :], -RANGE_DB, rtol=1e-6)


def test_columns_are_bounded_and_silence_is_dark():
    stream = SampleStream.of_array(np.zeros(8000 * 60, np.int16), 8000, 8000)
    found = compute_spectrogram(stream, 60.0)
    assert found.decibels.shape[1] == COLUMNS
    np.testing.assert_allclose(found.decibels, -RANGE_DB, rtol=1e-6)
    shortest = compute_spectrogram(SampleStream.of_array(np.ones(800, np.int16), 8000, 8000), 0.1)
    assert shortest.decibels.shape[1] >= 1
