"""Mean and standard deviation of every channel and band over the training clips.

Accumulated in float64 over all frames of all training windows, by shifted sums so that nothing cancels; rounded to
1e-3, in log-mel's decibels far below what a model notices and far above what two machines' Fourier transforms differ by.
"""

import math

import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.pooling import iterate_windows
from instrumentarium.frontends.base import FrontEnd
from instrumentarium.frontends.normalisation import NO_NORMALISATION, Normalisation
from instrumentarium.frontends.params import FixedNormalisation, NormalisationChoice
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.runtime.progress import progress_bar

SHIFT = -50.0
"""A typical level in dB: sums of squares around it stay small."""


def normalisation_for(
    choice: NormalisationChoice,
    frontend: FrontEnd,
    samples: ClipSamples,
    window_samples: int,
    device: torch.device,
    batch_size: int = 64,
) -> Normalisation:
    """Return the normalisation that a front end's parameters ask for; only `per_band` looks at the clips.

    Raises:
        ValueError: if statistics are asked for and there is no clip.
    """
    if choice == "none":
        return NO_NORMALISATION
    if isinstance(choice, FixedNormalisation):
        return Normalisation(kind="fixed", mean=((choice.mean,),), std=((choice.std,),), frames=0)
    return band_statistics(frontend, samples, window_samples, device, batch_size)


def band_statistics(
    frontend: FrontEnd, samples: ClipSamples, window_samples: int, device: torch.device, batch_size: int = 64
) -> Normalisation:
    """Return the statistics over the windows of `samples`, cut end to end, of each channel and band.

    Raises:
        ValueError: if there is no clip.
    """
    if not len(samples):
        raise ValueError("there is no training clip to take statistics of")
    frontend = frontend.to(device)
    total, squares, frames = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), 0
    batches = iterate_windows(samples, window_samples, window_samples, batch_size)
    with progress_bar("stats", "windows") as bar:
        for windows, _ in batches:
            features = frontend(to_waveforms(torch.from_numpy(windows).to(device)))  # (batch, channels, bands, frames)
            shifted = features.double().cpu() - SHIFT
            total = total + shifted.sum(dim=(0, 3))
            squares = squares + shifted.square().sum(dim=(0, 3))
            frames += shifted.shape[0] * shifted.shape[3]
            bar.update(len(windows))
    mean = total / frames  # (channels, bands)
    variance = (squares / frames - mean.square()).clamp(min=0)
    return Normalisation(
        kind="per_band",
        mean=tuple(tuple(round(value + SHIFT, 3) for value in row) for row in mean.tolist()),
        # A band that never changes (above the corpus's bandwidth) says nothing; 1 dB keeps it from being blown up.
        std=tuple(
            tuple(round(max(math.sqrt(value), 1.0), 3) if math.isfinite(value) else 1.0 for value in row)
            for row in variance.tolist()
        ),
        frames=frames,
    )
