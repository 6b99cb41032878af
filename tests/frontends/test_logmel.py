import librosa
import numpy as np
import pytest
import torch
from frontends.signals import music
from model_fixtures import FRONTEND, RELATIVE

from instrumentarium.frontends.level import FLOOR, RANGE_DB
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams

FINER = {"sample_rate_hz": 32000, "n_fft": 1024}
FRONTENDS = [
    FRONTEND,
    FRONTEND.model_copy(update=FINER | {"hop_length": 800, "n_mels": 64, "f_max_hz": 14000.0}),
    FRONTEND.model_copy(
        update={
            "sample_rate_hz": 32000,
            "n_fft": 1024,
            "hop_length": 320,
            "n_mels": 128,
            "f_min_hz": 30.0,
            "f_max_hz": 15000.0,
        }
    ),
]


def librosa_power(waveform: torch.Tensor, params: LogMelParams) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=waveform.numpy(),
        sr=params.sample_rate_hz,
        n_fft=params.n_fft,
        hop_length=params.hop_length,
        n_mels=params.n_mels,
        fmin=params.f_min_hz,
        fmax=params.f_max_hz,
        htk=False,
        norm="slaney",
        power=2.0,
        center=True,
        pad_mode="constant",
    )


@pytest.mark.parametrize("params", FRONTENDS, ids=["tiny", "miniature", "full"])
def test_power_and_decibels_equal_librosas(params: LogMelParams):
    waveforms = music(params.sample_rate_hz, params.sample_rate_hz)
    frontend = LogMel(params, params.sample_rate_hz)
    power, features = frontend.power(waveforms), frontend(waveforms)
    assert features.shape == (2, 1, params.n_mels, power.shape[2])
    for row, waveform in enumerate(waveforms):
        expected = librosa_power(waveform, params)
        np.testing.assert_allclose(power[row].numpy(), expected, rtol=1e-4)
        decibels = 10 * np.log10(np.maximum(expected, 1e-10))
        np.testing.assert_allclose(features[row, 0].numpy(), decibels, atol=1e-3)


def test_decibels_equal_librosas_power_to_db():
    frontend = LogMel(FRONTEND, 8000)
    power = torch.rand(2, 16, 9, generator=torch.Generator().manual_seed(0)) * 1e-8
    expected = librosa.power_to_db(power.numpy(), ref=1.0, amin=1e-10, top_db=None)
    np.testing.assert_allclose(frontend.compress(power)[:, 0].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 12.0])
def test_louder_by_so_many_decibels_shifts_the_features_by_them(gain_db: float):
    frontend = LogMel(FRONTEND, 8000)
    waveforms = music(8000, 8000)
    shift = frontend(waveforms * 10 ** (gain_db / 20)) - frontend(waveforms)
    np.testing.assert_allclose(shift.numpy(), gain_db, atol=1e-3)


@pytest.mark.parametrize("gain_db", [-30.0, -6.0, 12.0])
def test_a_relative_level_hears_no_gain(gain_db: float):
    frontend = LogMel(RELATIVE, 8000)
    waveforms = music(8000, 8000)
    waveforms[1] = torch.sin(2 * torch.pi * 500 * torch.arange(8000) / 8000) * torch.hann_window(8000)  # a dark one
    louder = frontend(waveforms * 10 ** (gain_db / 20))
    np.testing.assert_allclose(louder.numpy(), frontend(waveforms).numpy(), atol=1e-2)


def test_a_relative_level_is_measured_from_the_mean_power_of_each_window():
    waveforms = music(8000, 8000)
    power, features = LogMel(RELATIVE, 8000).power(waveforms).numpy(), LogMel(RELATIVE, 8000)(waveforms)[:, 0].numpy()
    for row, row_power in zip(features, power, strict=True):
        expected = librosa.power_to_db(row_power, ref=row_power.mean(), amin=1e-20, top_db=None)
        np.testing.assert_allclose(row, np.maximum(expected, -80), atol=1e-3)


@pytest.mark.parametrize(("params", "floor_db"), [(FRONTEND, 10 * np.log10(FLOOR)), (RELATIVE, -RANGE_DB)])
def test_silence_is_the_floor(params: LogMelParams, floor_db: float):
    features = LogMel(params, 8000)(torch.zeros(3, 4000))
    np.testing.assert_allclose(features.numpy(), floor_db, atol=1e-4)
    assert LogMel(params, 8000)(music(4000, 8000)).min() > floor_db


def test_the_quietest_noise_is_not_brought_to_full_level():
    whisper = 1e-7 * torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    assert LogMel(RELATIVE, 8000)(whisper).max() < -20


def test_float32_is_kept_under_mixed_precision():
    frontend = LogMel(FRONTEND, 16000)
    waveforms = music(16000, 16000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = frontend(waveforms)
        halved = frontend(waveforms.bfloat16())
    assert mixed.dtype == halved.dtype == torch.float32
    np.testing.assert_array_equal(mixed.numpy(), frontend(waveforms).numpy())


def test_a_tone_is_loudest_in_the_band_around_it():
    frontend = LogMel(FRONTEND, 8000)
    centres_hz = librosa.mel_frequencies(n_mels=18, fmin=40, fmax=4000)[1:-1]
    time = torch.arange(8000) / 8000
    tones = torch.stack([torch.sin(2 * torch.pi * float(hz) * time) for hz in centres_hz])
    assert frontend(tones)[:, 0].mean(dim=2).argmax(dim=1).tolist() == list(range(16))


def test_the_centres_of_the_bands_are_librosas():
    centres = LogMel(RELATIVE, RELATIVE.sample_rate_hz).axes.band_centres_hz
    expected = librosa.mel_frequencies(RELATIVE.n_mels + 2, fmin=RELATIVE.f_min_hz, fmax=RELATIVE.f_max_hz)[1:-1]
    np.testing.assert_allclose(centres.numpy(), expected, rtol=1e-6)


def test_a_later_sound_shows_in_later_frames():
    waveform = torch.zeros(1, 8000)
    waveform[0, 6000:] = music(2000, 8000)[0]
    features = LogMel(FRONTEND, 8000)(waveform)[0, 0]
    first = (6000 - 128) // 128
    assert (features[:, :first] == features.min()).all()
    assert (features[:, first + 3 :] > features.min()).all()


def test_another_input_rate_gives_the_same_features_below_its_band_edge():
    time = torch.arange(16000) / 16000
    tone = torch.sin(2 * torch.pi * 1000 * time)[None] * torch.hann_window(16000)
    direct, resampled = LogMel(FRONTEND, 8000)(tone[:, ::2]), LogMel(FRONTEND, 16000)(tone)
    audible = direct > direct.max() - 40
    assert (direct - resampled)[audible].abs().max() < 0.05


def test_window_and_filters_are_not_stored_with_the_weights():
    assert not LogMel(FRONTEND, 8000).state_dict()
