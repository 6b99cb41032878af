"""Signals for front ends, and parameters of each kind that are small enough for tests."""

import numpy as np
import torch
from model_fixtures import FRONTEND, RATE_HZ

from instrumentarium.frontends.params import (
    AnyFrontEndParams,
    CpjkuParams,
    CqtParams,
    FbankParams,
    MfccParams,
    MultiParams,
    ScalogramParams,
)

MEL = FRONTEND.model_dump(exclude={"kind"})
MFCC = MfccParams(kind="mfcc", n_mfcc=12, **MEL | {"level": "relative"})
FBANK = FbankParams(
    kind="fbank",
    sample_rate_hz=RATE_HZ,
    win_length=200,
    hop_length=80,
    window="hanning",
    n_mels=16,
    f_min_hz=20.0,
    f_max_hz=4000.0,
    full_scale=1.0,
    normalisation="per_band",
)
MULTI = MultiParams(
    kind="multi",
    channels=("logmel", "harmonic", "percussive"),
    hpss_frames=5,
    hpss_bands=3,
    **MEL | {"level": "relative"},
)
CHROMA = MULTI.model_copy(update={"channels": ("chroma", "delta", "logmel"), "n_fft": 1024})
CPJKU = CpjkuParams(
    kind="cpjku",
    sample_rate_hz=RATE_HZ,
    n_fft=256,
    win_length=200,
    hop_length=80,
    n_mels=32,
    f_min_hz=0.0,
    f_max_hz=3800.0,
    normalisation="per_band",
)
CQT = CqtParams(
    kind="cqt",
    sample_rate_hz=RATE_HZ,
    hop_length=128,
    oversampling=4,
    f_min_hz=65.4,
    n_bins=60,
    bins_per_octave=12,
    level="relative",
    normalisation="per_band",
)
SCALOGRAM = ScalogramParams(
    kind="scalogram",
    sample_rate_hz=RATE_HZ,
    hop_length=128,
    oversampling=4,
    f_min_hz=50.0,
    f_max_hz=3000.0,
    n_bands=16,
    wavelet_bandwidth=1.5,
    wavelet_centre=2.0,
    level="relative",
    normalisation="per_band",
)
SPECTRAL: dict[str, AnyFrontEndParams] = {
    "logmel": FRONTEND,
    "mfcc": MFCC,
    "fbank": FBANK,
    "cpjku": CPJKU,
    "cqt": CQT,
    "scalogram": SCALOGRAM,
    "multi": MULTI,
    "chroma": CHROMA,
}
"""Every kind of front end that makes spectra."""


def music(samples: int, rate_hz: int = RATE_HZ, seed: int = 0) -> torch.Tensor:
    """Return two waveforms of a decaying chord over noise, far from silent in every band."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / rate_hz
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in rng.uniform(100, 2000, size=4))
    waveforms = 0.1 * np.stack([chord * np.exp(-time), chord]) + 0.02 * rng.standard_normal((2, samples))
    return torch.from_numpy(waveforms.astype(np.float32))
