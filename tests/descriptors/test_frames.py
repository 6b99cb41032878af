"""Descriptors of frames: equal to librosa's where it has them, and known values where it has none."""

import librosa
import numpy as np
import numpy.typing as npt
import pytest

from instrumentarium.descriptors.filters import octave_bands
from instrumentarium.descriptors.frames import FrameDescriptors, slope
from instrumentarium.descriptors.params import DescriptorParams

RATE_HZ, N_FFT, HOP = 22050, 1024, 512
PARAMS = DescriptorParams(n_fft=N_FFT, hop_length=HOP, n_mels=40, n_mfcc=13, train_windows=2)
STFT = {"sr": RATE_HZ, "n_fft": N_FFT, "hop_length": HOP}
Signal = npt.NDArray[np.float32]


def music() -> Signal:
    time = np.arange(RATE_HZ) / RATE_HZ
    notes = sum(np.sin(2 * np.pi * 220 * k * time) * np.exp(-k * time) / k for k in range(1, 9))
    return (0.3 * notes + 0.01 * np.random.default_rng(1).standard_normal(len(time))).astype(np.float32)


def described(signal: Signal, params: DescriptorParams = PARAMS, rate_hz: int = RATE_HZ) -> dict[str, Signal]:
    frames = FrameDescriptors(params, rate_hz)
    return dict(zip(frames.names, frames(signal[None])[0].T, strict=True))


def rows(found: dict[str, Signal], name: str) -> Signal:
    numbered = [key for key in found if key.startswith(f"{name}_") and key.removeprefix(f"{name}_").isdigit()]
    return np.stack([found[key] for key in numbered])


REFERENCES = {
    "centroid_hz": lambda y: librosa.feature.spectral_centroid(y=y, **STFT)[0],
    "bandwidth_hz": lambda y: librosa.feature.spectral_bandwidth(y=y, **STFT)[0],
    "rolloff_hz": lambda y: librosa.feature.spectral_rolloff(y=y, **STFT)[0],
    "flatness": lambda y: librosa.feature.spectral_flatness(y=y, n_fft=N_FFT, hop_length=HOP)[0],
    "zero_crossings": lambda y: librosa.feature.zero_crossing_rate(y=y, frame_length=N_FFT, hop_length=HOP)[0],
    "rms": lambda y: librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP)[0],
}
MATRICES = {
    "contrast": lambda y: librosa.feature.spectral_contrast(y=y, **STFT),
    "chroma": lambda y: librosa.feature.chroma_stft(y=y, tuning=0.0, **STFT),
    "mfcc": lambda y: librosa.feature.mfcc(y=y, n_mfcc=13, n_mels=40, **STFT),
    "mfcc_delta": lambda y: librosa.feature.delta(librosa.feature.mfcc(y=y, n_mfcc=13, n_mels=40, **STFT)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_it_equals_librosa(name: str) -> None:
    signal = music()
    np.testing.assert_allclose(described(signal)[name], REFERENCES[name](signal), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", MATRICES)
def test_rows_equal_librosa(name: str) -> None:
    signal = music()
    np.testing.assert_allclose(rows(described(signal), name), MATRICES[name](signal), rtol=1e-3, atol=1e-3)


def test_entropy_is_one_for_white_noise_at_most_and_low_for_a_tone() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    assert 0.85 < described(noise)["entropy"].mean() <= 1
    assert described(tone)["entropy"][2:-2].max() < 0.3


def test_hjorth_parameters_of_a_tone() -> None:
    # of a sine of frequency w per sample: variance a²/2, mobility 2 sin(w/2), complexity 1
    step = 2 * np.pi * 8 / N_FFT
    found = described(np.sin(step * np.arange(RATE_HZ)).astype(np.float32))
    inner = slice(2, -2)
    np.testing.assert_allclose(found["activity"][inner], 0.5, rtol=1e-3)
    np.testing.assert_allclose(found["mobility"][inner], 2 * np.sin(step / 2), rtol=2e-2)
    np.testing.assert_allclose(found["complexity"][inner], 1.0, rtol=2e-2)


def test_flux_is_zero_while_nothing_changes_and_does_not_depend_on_level() -> None:
    step = 2 * np.pi * 8 / N_FFT
    tone = np.sin(step * np.arange(RATE_HZ)).astype(np.float32)
    assert described(tone)["flux"][3:-3].max() < 1e-4
    signal = music()
    np.testing.assert_allclose(described(signal)["flux"], described(0.1 * signal)["flux"], atol=1e-4)


def test_silence_has_numbers() -> None:
    assert all(np.isfinite(values).all() for values in described(np.zeros(RATE_HZ, np.float32)).values())


def test_a_window_does_not_depend_on_the_others_of_its_batch() -> None:
    frames = FrameDescriptors(PARAMS, RATE_HZ)
    signal = music()
    batch = frames(np.stack([0.001 * signal, signal]))
    np.testing.assert_array_equal(batch[1], frames(signal[None])[0])


@pytest.mark.parametrize("rate_hz", [8000, 16000, 32000, 44100])
def test_octave_bands_cover_the_spectrum(rate_hz: int) -> None:
    bands = octave_bands(rate_hz, N_FFT)
    assert bands[0].first == 0
    assert bands[-1].last == N_FFT // 2 + 1
    assert all(band.first < band.last and 0 < band.extremes <= band.last - band.first for band in bands)


@pytest.mark.parametrize("frames", [1, 2, 4, 9, 20])
def test_the_slope_of_a_line_is_its_own(frames: int) -> None:
    line = 3.0 * np.arange(frames, dtype=np.float32)[None, :, None]
    np.testing.assert_allclose(slope(line), 3.0 if frames > 2 else 0.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"), [({"hop_length": 2048}, "exceeds n_fft"), ({"n_mfcc": 41}, "exceeds n_m")]
)
def test_parameters_that_do_not_fit_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DescriptorParams(**{**PARAMS.model_dump(), **change})
