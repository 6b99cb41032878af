"""Mean and standard deviation of every band over the training clips.

Accumulated in float64 over all frames of all training windows, by shifted sums so that nothing cancels; rounded to
1e-3 dB, which is far below what a model notices and far above what two machines' Fourier transforms differ by.
"""

import math

import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.pooling import iterate_windows
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.normalisation import Stats
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.runtime.progress import progress_bar

SHIFT_DB = -50.0
"""A typical level: sums of squares around it stay small."""


def band_statistics(
    frontend: LogMel, samples: ClipSamples, window_samples: int, device: torch.device, batch_size: int = 64
) -> Stats:
    """Return the statistics over the windows of `samples`, cut end to end.

    Raises:
        ValueError: if there is no clip.
    """
    if not len(samples):
        raise ValueError("there is no training clip to take statistics of")
    frontend = frontend.to(device)
    bands = frontend.params.n_mels
    total = torch.zeros(bands, dtype=torch.float64)
    squares = torch.zeros(bands, dtype=torch.float64)
    frames = 0
    batches = iterate_windows(samples, window_samples, window_samples, batch_size)
    with progress_bar("stats", "windows") as bar:
        for waveforms, _ in batches:
            features = frontend(to_waveforms(torch.from_numpy(waveforms).to(device)))[:, 0]  # (batch, bands, frames)
            shifted = features.double().cpu() - SHIFT_DB
            total += shifted.sum(dim=(0, 2))
            squares += shifted.square().sum(dim=(0, 2))
            frames += shifted.shape[0] * shifted.shape[2]
            bar.update(len(waveforms))
    mean = total / frames
    std = (squares / frames - mean.square()).clamp(min=0).sqrt()
    return Stats(
        mean=tuple(round(value + SHIFT_DB, 3) for value in mean.tolist()),
        # A band that never changes (above the corpus's bandwidth) tells nothing; 1 dB keeps it from being blown up.
        std=tuple(round(max(value, 1.0), 3) if math.isfinite(value) else 1.0 for value in std.tolist()),
        frames=frames,
    )
