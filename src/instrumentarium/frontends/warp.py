"""Moving a mel spectrum up or down in frequency: every partial and every formant by the same factor."""

import torch
from torch import Tensor


def warp_matrices(band_centres_hz: Tensor, factors: Tensor) -> Tensor:
    """Return matrices (factors, bands, bands) that take a spectrum, (bands, frames), to one with higher frequencies.

    Each band takes what lies at its centre divided by the factor, by linear interpolation between the two bands around;
    above the highest band there is nothing to take.

    Args:
        band_centres_hz: (bands,), rising.
        factors: (factors,), by which all frequencies rise.
    """
    centres = band_centres_hz
    source = centres[None, :] / factors[:, None]  # (factors, bands) in Hz
    upper = torch.searchsorted(centres, source.contiguous()).clamp(1, len(centres) - 1)
    share = (source - centres[upper - 1]) / (centres[upper] - centres[upper - 1])
    weights = torch.zeros(*source.shape, len(centres), device=centres.device)
    weights.scatter_(2, (upper - 1)[:, :, None], (1 - share).clamp(0, 1)[:, :, None])
    weights.scatter_(2, upper[:, :, None], share.clamp(0, 1)[:, :, None])
    return weights * (source <= centres[-1])[:, :, None]
