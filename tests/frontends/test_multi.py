import librosa
import numpy as np
import pytest
import torch
from frontends.signals import CHROMA, MULTI, music
from pydantic import ValidationError
from scipy.ndimage import median_filter

from instrumentarium.frontends.chroma import chroma_filters, pitch_classes
from instrumentarium.frontends.level import decibels, reference_of
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.median import running_median
from instrumentarium.frontends.multi import Multi, separated, slope
from instrumentarium.frontends.params import LogMelParams, MultiParams

EXTRA = {"kind", "channels", "hpss_frames", "hpss_bands"}


def logmel_of(params: MultiParams) -> LogMel:
    return LogMel(LogMelParams(kind="logmel", **params.model_dump(exclude=EXTRA)), 8000)


@pytest.mark.parametrize("size", [1, 3, 5, 9, 17, 31])
@pytest.mark.parametrize("length", [1, 2, 10, 33])
def test_running_medians_are_scipys(size: int, length: int):
    x = torch.rand(2, 3, length, generator=torch.Generator().manual_seed(0))
    found = running_median(x, size).numpy()
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (size // 2, size // 2)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=2)
    np.testing.assert_array_equal(found, np.median(windows, axis=3))
    if length > size // 2:  # else scipy mirrors only once
        np.testing.assert_array_equal(found, median_filter(x.numpy(), size=(1, 1, size), mode="reflect"))


def test_harmonic_and_percussive_parts_are_librosas():
    power = logmel_of(MULTI).power(music(8000))
    harmonic, percussive = separated(power, 9, 5)
    for row in range(2):
        expected = librosa.decompose.hpss(power[row].sqrt().numpy(), kernel_size=(9, 5))
        for found, part in zip((harmonic, percussive), expected, strict=True):
            np.testing.assert_allclose(found[row].numpy(), part**2, rtol=1e-3, atol=1e-9)


def test_silence_is_shared_by_halves():
    harmonic, percussive = separated(torch.zeros(1, 16, 20), 9, 5)
    assert not harmonic.any()
    assert not percussive.any()
    spike = torch.zeros(1, 16, 20)
    spike[0, 8, 10] = 4.0  # in neither median
    assert [float(part[0, 8, 10]) for part in separated(spike, 9, 5)] == [1.0, 1.0]


def test_a_tone_is_harmonic_and_a_click_is_percussive():
    waveforms = torch.zeros(2, 8000)
    waveforms[0] = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)
    waveforms[1, 4000] = 1.0
    harmonic, percussive = separated(logmel_of(MULTI).power(waveforms), 9, 5)
    tone, click = (harmonic.sum(dim=(1, 2)) / (harmonic + percussive).sum(dim=(1, 2))).tolist()
    assert tone > 0.95
    assert click < 0.05


@pytest.mark.parametrize("samples", [8000, 400])
def test_delta_is_librosas(samples: int):
    features = logmel_of(MULTI)(music(samples))[:, 0]
    expected = librosa.feature.delta(features.numpy(), width=9, mode="nearest")
    np.testing.assert_allclose(slope(features).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize(("rate", "n_fft"), [(8000, 1024), (32000, 4096), (22050, 2048)])
def test_chroma_filters_are_librosas(rate: int, n_fft: int):
    expected = librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=0.0)
    np.testing.assert_allclose(chroma_filters(rate, n_fft).numpy(), expected, atol=1e-5)


def test_pitch_classes_are_librosas():
    frequencies = torch.tensor([261.63, 440.0, 466.16, 61.7, 2093.0, 40.0])
    expected = [round(float(librosa.hz_to_midi(hz))) % 12 for hz in frequencies.tolist()]
    assert pitch_classes(frequencies).tolist() == expected


def test_chroma_is_librosas_spread_over_the_bands():
    frontend = Multi(CHROMA, 8000)
    waveforms = music(8000)
    found = frontend(waveforms)[:, 0].numpy()
    expected = librosa.feature.chroma_stft(
        y=waveforms[1].numpy(), sr=8000, n_fft=1024, hop_length=128, tuning=0.0, pad_mode="constant"
    )
    decibels_ = 10 * np.log10(np.maximum(expected, 1e-8))
    classes = pitch_classes(frontend.axes.band_centres_hz).numpy()
    np.testing.assert_allclose(found[1], decibels_[classes], atol=1e-2)


@pytest.mark.parametrize("level", ["absolute", "relative"])
def test_channels_are_what_they_are_named(level: str):
    params = MULTI.model_copy(update={"level": level})
    waveforms, logmel = music(8000), logmel_of(params)
    power = logmel.power(waveforms)
    parts = {
        "logmel": logmel(waveforms)[:, 0],
        "delta": slope(logmel(waveforms)[:, 0]),
        "harmonic": decibels(separated(power, 5, 3)[0], reference_of(power, params.level)),
        "percussive": decibels(separated(power, 5, 3)[1], reference_of(power, params.level)),
    }
    for names in (("logmel", "harmonic", "percussive"), ("percussive", "delta"), ("harmonic",)):
        features = Multi(params.model_copy(update={"channels": names}), 8000)(waveforms)
        assert features.shape == (2, len(names), 16, 63)
        for channel, name in enumerate(names):
            torch.testing.assert_close(features[:, channel], parts[name], atol=1e-4, rtol=0)


def test_the_log_mel_channel_is_the_same_beside_chroma():
    features = Multi(CHROMA, 8000)(music(8000))
    torch.testing.assert_close(features[:, 2:], logmel_of(CHROMA)(music(8000)), atol=1e-3, rtol=0)
    torch.testing.assert_close(features[:, 1], slope(features[:, 2]))


def test_only_chroma_needs_the_power_of_every_bin():
    frontend = Multi(CHROMA, 8000)
    assert len(frontend.power_axes.band_centres_hz) == 513
    assert len(frontend.axes.band_centres_hz) == frontend.rows == 16
    plain = Multi(MULTI, 8000)
    assert plain.power_axes is plain.axes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": ("delta", "delta")}, "channels names one twice: delta, delta"),
        ({"hpss_bands": 8}, "must be odd, found 5 and 8"),
        ({"channels": ()}, "at least 1"),
        ({"channels": ("logmel", "delta", "chroma", "harmonic")}, "at most 3"),
        ({"channels": ("rhythm",)}, "Input should be 'logmel', 'harmonic', 'percussive', 'delta' or 'chroma'"),
    ],
)
def test_channels_that_cannot_be_are_refused(change: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        MultiParams(**MULTI.model_dump() | change)
