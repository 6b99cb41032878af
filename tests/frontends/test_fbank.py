import math
from pathlib import Path

import numpy as np
import pytest
import torch
from frontends.signals import FBANK, music
from torchaudio.compliance import kaldi

from instrumentarium.config.whole import load_params
from instrumentarium.frontends.fbank import FLOOR, Fbank
from instrumentarium.frontends.normalisation import Normalisation, Normalise
from instrumentarium.frontends.params import FbankParams, FixedNormalisation

AST = load_params(Path(__file__).resolve().parents[2] / "params.yaml").frontends["fbank"]
assert isinstance(AST, FbankParams)
POVEY = AST.model_copy(update={"window": "povey", "full_scale": 32768.0})


def kaldis(waveform: torch.Tensor, params: FbankParams) -> torch.Tensor:
    """Return the reference, (bands, frames)."""
    return kaldi.fbank(
        waveform[None] * params.full_scale,
        sample_frequency=params.sample_rate_hz,
        frame_length=1000 * params.win_length / params.sample_rate_hz,
        frame_shift=1000 * params.hop_length / params.sample_rate_hz,
        num_mel_bins=params.n_mels,
        low_freq=params.f_min_hz,
        high_freq=params.f_max_hz,
        window_type=params.window,
        dither=0.0,
        htk_compat=True,
        use_energy=False,
    ).T


@pytest.mark.parametrize("params", [AST, POVEY, FBANK], ids=["ast", "povey", "tiny"])
@pytest.mark.parametrize("samples", [400, 16000, 16159, 48000])
def test_features_equal_kaldis(params: FbankParams, samples: int):
    waveforms = music(samples, params.sample_rate_hz)
    features = Fbank(params, params.sample_rate_hz)(waveforms)
    for row, waveform in zip(features[:, 0], waveforms, strict=True):
        np.testing.assert_allclose(row.numpy(), kaldis(waveform, params).numpy(), atol=1e-3)


def test_the_entry_is_what_ast_was_trained_with():
    # as transformers' ASTFeatureExtractor: (x - mean) / (2 · std)
    assert isinstance(AST.normalisation, FixedNormalisation)
    constants = Normalisation(
        kind="fixed", mean=((AST.normalisation.mean,),), std=((AST.normalisation.std,),), frames=0
    )
    waveforms = music(48000, 16000)
    found = Normalise(constants)(Fbank(AST, 16000)(waveforms))
    assert found.shape == (2, 1, 128, 298)
    expected = (kaldis(waveforms[0], AST) + 4.2677393) / (4.5689974 * 2)
    np.testing.assert_allclose(found[0, 0].numpy(), expected.numpy(), atol=1e-3)


def test_silence_is_the_floor_as_kaldis_is():
    silence = Fbank(AST, 16000)(torch.zeros(1, 4000))
    np.testing.assert_allclose(silence.numpy(), math.log(FLOOR), rtol=1e-6)
    np.testing.assert_allclose(silence[0, 0].numpy(), kaldis(torch.zeros(4000), AST).numpy(), rtol=1e-6)


def test_less_than_a_frame_is_one_frame():
    short = music(150)
    filled_up = torch.nn.functional.pad(short, (0, 50))
    torch.testing.assert_close(Fbank(FBANK, 8000)(short), Fbank(FBANK, 8000)(filled_up))


def test_full_scale_shifts_all_features_alike():
    louder = FBANK.model_copy(update={"full_scale": 32768.0})
    shift = Fbank(louder, 8000)(music(4000)) - Fbank(FBANK, 8000)(music(4000))
    np.testing.assert_allclose(shift.numpy(), 2 * math.log(32768), atol=1e-3)


def test_the_entry_of_beats_is_what_beats_was_trained_with():
    beats = pytest.importorskip("openbeats.beats_encoder")
    entry = load_params(Path(__file__).resolve().parents[2] / "params.yaml").frontends["fbank_beats"]
    assert isinstance(entry, FbankParams)
    assert isinstance(entry.normalisation, FixedNormalisation)
    constants = Normalisation(
        kind="fixed", mean=((entry.normalisation.mean,),), std=((entry.normalisation.std,),), frames=0
    )
    waveforms = music(48000, 16000)
    found = Normalise(constants)(Fbank(entry, 16000)(waveforms))
    expected = beats.beats_frontend(waveforms, fbank_mean=15.41663, fbank_std=6.55582)  # (batch, frames, bands)
    np.testing.assert_allclose(found[:, 0].numpy(), expected.mT.numpy(), atol=1e-3)
