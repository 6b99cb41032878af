import numpy as np
import pytest
import pywt
import torch
from frontends.signals import SCALOGRAM, music

from instrumentarium.frontends.params import ScalogramParams
from instrumentarium.frontends.scalogram import Scalogram

PLAIN = SCALOGRAM.model_copy(update={"oversampling": 1, "f_max_hz": 1800.0})
LOW = PLAIN.model_copy(update={"f_max_hz": 500.0})
SHARPER = LOW.model_copy(update={"wavelet_centre": 2.5})


def pywavelets(waveform: np.ndarray, params: ScalogramParams) -> np.ndarray:
    """Return the power of the reference, (bands, frames), by the scale."""
    centres_hz = np.geomspace(params.f_min_hz, params.f_max_hz, params.n_bands)
    scales = params.wavelet_centre * params.sample_rate_hz / centres_hz
    wavelet = f"cmor{params.wavelet_bandwidth}-{params.wavelet_centre}"
    found, frequencies = pywt.cwt(waveform, scales, wavelet, 1 / params.sample_rate_hz, method="fft", precision=14)
    np.testing.assert_allclose(frequencies, centres_hz, rtol=1e-3)
    return np.abs(found[:, :: params.hop_length]) ** 2 / scales[:, None]


@pytest.mark.parametrize(
    ("params", "tolerance", "correlation"), [(LOW, 0.01, 0.9999), (SHARPER, 0.02, 0.9999), (PLAIN, 0.06, 0.999)]
)
def test_power_is_pywavelets(params: ScalogramParams, tolerance: float, correlation: float):
    # which sums a sampled wavelet's integral and takes differences: that loses power near Nyquist, 15 % at 1800 Hz here
    waveforms = music(8000)
    found = Scalogram(params, 8000).power(waveforms).numpy()
    for row, waveform in zip(found, waveforms.numpy(), strict=True):
        expected = pywavelets(waveform.astype(np.float64), params)
        np.testing.assert_allclose(row, expected, rtol=0, atol=tolerance * expected.max())
        assert np.corrcoef(row.ravel(), expected.ravel())[0, 1] > correlation


def test_a_band_is_the_inner_product_with_a_wavelet():
    waveform = music(8000)[:1]
    power = Scalogram(PLAIN, 8000).power(waveform)[0]
    centres_hz = np.geomspace(50.0, 1800.0, 16)
    for band, frame in ((0, 31), (7, 20), (15, 50)):
        scale_s = PLAIN.wavelet_centre / centres_hz[band]
        time = (np.arange(8000) - frame * 128) / 8000 / scale_s
        wavelet = np.exp(2j * np.pi * PLAIN.wavelet_centre * time - time**2 / PLAIN.wavelet_bandwidth)
        wavelet /= np.sqrt(np.pi * PLAIN.wavelet_bandwidth)
        product = np.sum(waveform[0].double().numpy() * wavelet.conj()) / 8000 / scale_s
        by_hand = np.abs(product) ** 2
        assert float(power[band, frame]) == pytest.approx(by_hand, rel=1e-2, abs=1e-6 * float(power.max()))


def test_a_tone_has_a_quarter_of_its_squared_amplitude_in_any_band():
    frontend = Scalogram(PLAIN, 8000)
    time = torch.arange(8000, dtype=torch.float64) / 8000
    centres = frontend.power_axes.band_centres_hz.double()
    for band in (2, 8, 15):
        power = frontend.power(0.5 * torch.sin(2 * torch.pi * centres[band] * time)[None])
        assert float(power[0, band, 31]) == pytest.approx(0.25 * 0.5**2, rel=1e-3)


def test_the_amplitude_is_logarithmic():
    frontend = Scalogram(PLAIN.model_copy(update={"level": "absolute"}), 8000)
    louder, quieter = frontend(10 * music(8000)), frontend(music(8000))
    audible = quieter > -90  # above the floor
    assert audible.float().mean() > 0.99
    np.testing.assert_allclose((louder - quieter)[audible].numpy(), 20.0, atol=1e-2)


def test_windows_of_other_lengths_in_turn_do_not_disturb_each_other():
    frontend = Scalogram(SCALOGRAM, 8000)
    first = frontend(music(4000))
    frontend(music(5001))
    torch.testing.assert_close(frontend(music(4000)), first, rtol=0, atol=0)
