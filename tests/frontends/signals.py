"""Signals for front ends, and parameters of each kind that are small enough for tests."""

import numpy as np
import torch
from model_fixtures import FRONTEND, RATE_HZ

from instrumentarium.frontends.params import AnyFrontEndParams, FbankParams, MfccParams

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
SPECTRAL: dict[str, AnyFrontEndParams] = {"logmel": FRONTEND, "mfcc": MFCC, "fbank": FBANK}
"""Every kind of front end that makes spectra."""


def music(samples: int, rate_hz: int = RATE_HZ, seed: int = 0) -> torch.Tensor:
    """Return two waveforms of a decaying chord over noise, far from silent in every band."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / rate_hz
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in rng.uniform(100, 2000, size=4))
    waveforms = 0.1 * np.stack([chord * np.exp(-time), chord]) + 0.02 * rng.standard_normal((2, samples))
    return torch.from_numpy(waveforms.astype(np.float32))
