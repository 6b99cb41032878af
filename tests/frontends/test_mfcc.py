import librosa
import numpy as np
import pytest
import torch
from frontends.signals import MFCC, music
from pydantic import ValidationError

from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.mfcc import Mfcc
from instrumentarium.frontends.params import LogMelParams, MfccParams

MINIATURE = MFCC.model_copy(
    update={"sample_rate_hz": 32000, "n_fft": 1024, "hop_length": 1000, "n_mels": 64, "n_mfcc": 40, "f_max_hz": 14000.0}
)


@pytest.mark.parametrize("params", [MFCC, MINIATURE], ids=["tiny", "miniature"])
def test_coefficients_equal_librosas(params: MfccParams):
    params = params.model_copy(update={"level": "absolute"})
    waveforms = music(params.sample_rate_hz, params.sample_rate_hz)
    features = Mfcc(params, params.sample_rate_hz)(waveforms)
    assert features.shape == (2, 1, params.n_mfcc, params.sample_rate_hz // params.hop_length + 1)
    for row, waveform in zip(features[:, 0].numpy(), waveforms.numpy(), strict=True):
        expected = librosa.feature.mfcc(  # whose floor, 80 dB below the loudest, these waveforms do not reach
            y=waveform,
            sr=params.sample_rate_hz,
            n_mfcc=params.n_mfcc,
            n_fft=params.n_fft,
            hop_length=params.hop_length,
            n_mels=params.n_mels,
            fmin=params.f_min_hz,
            fmax=params.f_max_hz,
            pad_mode="constant",
        )
        np.testing.assert_allclose(row, expected, atol=2e-3)


def test_coefficients_are_those_of_the_log_mel_spectrogram_at_a_relative_level():
    mel = LogMel(LogMelParams(kind="logmel", **MFCC.model_dump(exclude={"kind", "n_mfcc"})), 8000)(music(8000))
    expected = librosa.feature.mfcc(S=mel[:, 0].numpy(), n_mfcc=12)
    np.testing.assert_allclose(Mfcc(MFCC, 8000)(music(8000))[:, 0].numpy(), expected, atol=1e-3)


def test_coefficients_lie_at_no_frequency_and_their_power_does():
    frontend = Mfcc(MFCC, 8000)
    assert frontend.axes is None
    assert len(frontend.power_axes.band_centres_hz) == frontend.power(music(4000)).shape[1] == 16


def test_there_are_no_more_coefficients_than_bands():
    with pytest.raises(ValidationError, match="n_mfcc is 17, and n_mels 16"):
        MfccParams(**MFCC.model_dump() | {"n_mfcc": 17})


def test_coefficients_keep_float32_where_power_lost_it():
    power = Mfcc(MFCC, 8000).power(music(4000))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert Mfcc(MFCC, 8000).compress(power.bfloat16()).dtype == torch.float32
