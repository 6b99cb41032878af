import warnings

import librosa
import numpy as np
import pytest
import torch
from frontends.signals import CQT, music
from pydantic import ValidationError

from instrumentarium.frontends.cqt import Cqt, hann_response, quality_of
from instrumentarium.frontends.params import CqtParams

PLAIN = CQT.model_copy(update={"oversampling": 1, "level": "absolute"})
MINIATURE = PLAIN.model_copy(update={"sample_rate_hz": 32000, "hop_length": 1000, "n_bins": 84})


def librosas(waveform: np.ndarray, params: CqtParams) -> np.ndarray:
    """Return the power of the reference, (bins, frames)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of windows longer than the signal
        amplitude = librosa.cqt(
            y=waveform,
            sr=params.sample_rate_hz,
            hop_length=params.hop_length,
            fmin=params.f_min_hz,
            n_bins=params.n_bins,
            bins_per_octave=params.bins_per_octave,
            tuning=0.0,
            sparsity=0.0,
            pad_mode="constant",
        )
    return np.abs(amplitude) ** 2


@pytest.mark.parametrize("params", [PLAIN, MINIATURE], ids=["tiny", "miniature"])
def test_power_is_librosas(params: CqtParams):
    # which resamples between octaves, and so is exact to about a per cent itself
    waveforms = music(2 * params.sample_rate_hz, params.sample_rate_hz)
    found = Cqt(params, params.sample_rate_hz).power(waveforms).numpy()
    for row, waveform in zip(found, waveforms.numpy(), strict=True):
        expected = librosas(waveform, params)
        assert row.shape == expected.shape
        assert np.corrcoef(row.ravel(), expected.ravel())[0, 1] > 0.999
        decibels = 10 * np.log10(np.stack([row, expected]) + 1e-6 * expected.max())
        assert np.corrcoef(*decibels.reshape(2, -1))[0, 1] > 0.998
        assert row.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_a_bin_is_the_inner_product_with_a_windowed_tone():
    waveform = music(8000)[:1]
    power = Cqt(PLAIN, 8000).power(waveform)[0]
    for number, frame in ((0, 31), (30, 20), (59, 40)):
        centre_hz = 65.4 * 2 ** (number / 12)
        length = quality_of(12) * 8000 / centre_hz
        time = np.arange(8000) - frame * 128
        window = np.where(np.abs(time) < length / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time / length), 0.0)
        product = np.sum(waveform[0].double().numpy() * window * np.exp(-2j * np.pi * centre_hz * time / 8000))
        by_hand = length * np.abs(product / window.sum()) ** 2
        assert float(power[number, frame]) == pytest.approx(by_hand, rel=0.01, abs=1e-3 * float(power.max()))


def test_power_is_averaged_over_the_places_of_a_frame():
    finer = CQT.model_copy(update={"oversampling": 1, "hop_length": 32})
    places = Cqt(finer, 8000).power(music(8000))
    averaged = Cqt(CQT, 8000).power(music(8000))
    assert averaged.shape == (2, 60, 63)
    for frame in (3, 30, 59):
        expected = places[..., 4 * frame - 2 : 4 * frame + 2].mean(dim=2)
        torch.testing.assert_close(averaged[..., frame], expected, rtol=1e-3, atol=1e-6)


def test_an_octave_shifts_by_an_octave_of_bins():
    time = torch.arange(8000) / 8000
    features = Cqt(CQT, 8000).power(torch.stack([torch.sin(2 * torch.pi * hz * time) for hz in (261.6, 523.2)]))
    low, high = features[:, :, 31].argmax(dim=1).tolist()
    assert (low, high) == (24, 36)


def test_a_later_sound_does_not_show_in_early_frames_nor_around_the_end():
    waveforms = torch.zeros(1, 16000)
    waveforms[0, 12000:] = music(4000)[1]
    power = Cqt(CQT, 8000).power(waveforms)[0]
    assert power[:, :60].max() < 1e-4 * power.max()


def test_the_response_is_the_transform_of_a_hann_window():
    window = torch.hann_window(512, periodic=True, dtype=torch.float64)
    cycles = torch.tensor([0.0, 0.3, 1.0, -1.0, 2.0, 2.5], dtype=torch.float64)
    time = (torch.arange(512, dtype=torch.float64) - 256) / 512
    expected = (window * torch.exp(-2j * torch.pi * cycles[:, None] * time)).sum(dim=1).real / window.sum()
    torch.testing.assert_close(hann_response(cycles), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bins": 84}, "the highest bin lies at 7901 Hz"),
        ({"oversampling": 3}, "hop_length is 128, which oversampling, 3"),
    ],
)
def test_bins_exist_and_places_lie_on_samples(change: dict[str, int], message: str):
    with pytest.raises(ValidationError, match=message):
        CqtParams(**CQT.model_dump() | change)


def test_nnaudios_agrees():
    from nnAudio import features  # prints when imported

    waveforms = music(16000)
    layer = features.CQT1992v2(
        sr=8000, hop_length=128, fmin=65.4, n_bins=60, bins_per_octave=12, pad_mode="constant", verbose=False
    )
    theirs = layer(waveforms, normalization_type="librosa").square()
    ours = Cqt(PLAIN, 8000).power(waveforms)
    assert theirs.shape == ours.shape
    assert np.corrcoef(ours.flatten().numpy(), theirs.detach().flatten().numpy())[0, 1] > 0.99
