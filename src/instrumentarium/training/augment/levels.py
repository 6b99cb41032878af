"""Levels of waveforms, (batch, samples), as root mean squares; and gains."""

import math

import torch
from torch import Tensor

SILENT = 1e-4
"""Root mean square, -80 dB of full scale: what lies below is rounding, not sound."""


def linear(decibels: Tensor) -> Tensor:
    """Return gains of amplitude."""
    return torch.pow(10.0, decibels / 20)


def level(waveforms: Tensor) -> Tensor:
    """Return the root mean square over the last axis, which is kept with size 1."""
    norms: Tensor = torch.linalg.vector_norm(waveforms, dim=-1, keepdim=True)
    return norms / math.sqrt(waveforms.shape[-1])
