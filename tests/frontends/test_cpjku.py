import math
from pathlib import Path

import numpy as np
import pytest
import torch
from frontends.signals import CPJKU, music
from torch import Tensor
from torchaudio.compliance.kaldi import get_mel_banks

from instrumentarium.config.whole import load_params
from instrumentarium.frontends.cpjku import OFFSET, CpjkuMel
from instrumentarium.frontends.normalisation import Normalisation, Normalise
from instrumentarium.frontends.params import CpjkuParams, FixedNormalisation
from instrumentarium.runtime.section import ParamsError, validate

ENTRY = load_params(Path(__file__).resolve().parents[2] / "params.yaml").frontends["cpjku128"]
assert isinstance(ENTRY, CpjkuParams)


def published(waveforms: Tensor, params: CpjkuParams) -> Tensor:
    """Return what EfficientAT's authors compute, step by step as they describe it, (batch, bands, frames)."""
    emphasised = torch.nn.functional.conv1d(waveforms[:, None], torch.tensor([[[-0.97, 1.0]]]))[:, 0]
    window = torch.hann_window(params.win_length, periodic=False)
    spectrum = torch.stft(
        emphasised, params.n_fft, params.hop_length, params.win_length, window, center=True, return_complex=True
    )
    banks, _ = get_mel_banks(
        params.n_mels, params.n_fft, params.sample_rate_hz, params.f_min_hz, params.f_max_hz, 100.0, -500.0, 1.0
    )
    mel = torch.nn.functional.pad(banks, (0, 1)) @ torch.view_as_real(spectrum).square().sum(dim=-1)
    return ((mel + 1e-5).log() + 4.5) / 5


@pytest.mark.parametrize("params", [ENTRY, CPJKU], ids=["entry", "tiny"])
@pytest.mark.parametrize("samples", [2000, 31999, 64000])
def test_features_equal_the_published_ones(params: CpjkuParams, samples: int):
    waveforms = music(samples, params.sample_rate_hz)
    constants = Normalisation(kind="fixed", mean=((-4.5,),), std=((5.0,),), frames=0)
    found = Normalise(constants)(CpjkuMel(params, params.sample_rate_hz)(waveforms))
    np.testing.assert_allclose(found[:, 0].numpy(), published(waveforms, params).numpy(), atol=1e-4)


def test_the_entry_is_what_the_network_was_trained_with():
    values = {"n_fft": 1024, "win_length": 800, "hop_length": 320, "n_mels": 128, "f_min_hz": 0.0, "f_max_hz": 15000.0}
    assert {key: getattr(ENTRY, key) for key in values} == values
    assert ENTRY.sample_rate_hz == 32000
    assert ENTRY.normalisation == FixedNormalisation(mean=-4.5, std=5.0)


def test_silence_is_the_offset_and_short_windows_are_filled_up():
    frontend = CpjkuMel(CPJKU, 8000)
    np.testing.assert_allclose(frontend(torch.zeros(1, 4000)).numpy(), math.log(OFFSET), rtol=1e-6)
    short = music(60)
    torch.testing.assert_close(frontend(short), frontend(torch.nn.functional.pad(short, (0, 70))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"win_length": 300}, "win_length is 300, more than n_fft, 256"),
        ({"n_fft": 250}, "Kaldi's bands are for a power of two"),
        ({"hop_length": 4}, "hop_length must be at least n_fft / 32"),
        ({"f_max_hz": 5000.0}, "half the sample rate"),
    ],
)
def test_parameters_that_make_no_spectrum_are_refused(change: dict[str, object], message: str):
    with pytest.raises(ParamsError, match=message):
        validate(CPJKU.model_dump() | change, CpjkuParams)
