"""Signals for front ends, and parameters of each kind that are small enough for tests."""

import numpy as np
import torch
from model_fixtures import FRONTEND, RATE_HZ

from instrumentarium.frontends.params import AnyFrontEndParams, MfccParams

MEL = FRONTEND.model_dump(exclude={"kind"})
MFCC = MfccParams(kind="mfcc", n_mfcc=12, **MEL | {"level": "relative"})
SPECTRAL: dict[str, AnyFrontEndParams] = {"logmel": FRONTEND, "mfcc": MFCC}
"""Every kind of front end that makes spectra."""


def music(samples: int, rate_hz: int = RATE_HZ, seed: int = 0) -> torch.Tensor:
    """Return two waveforms of a decaying chord over noise, far from silent in every band."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / rate_hz
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in rng.uniform(100, 2000, size=4))
    waveforms = 0.1 * np.stack([chord * np.exp(-time), chord]) + 0.02 * rng.standard_normal((2, samples))
    return torch.from_numpy(waveforms.astype(np.float32))
