"""Low-pass, high-pass and band-pass filters with Butterworth magnitudes and no phase, as products of Fourier transforms."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, happens, log_uniform
from instrumentarium.training.augment.params import FilterParams

ORDER = 2
"""12 dB an octave beyond the edge, and 3 dB at it."""
PADDING = 4096
"""Zeros behind the waveform, so that its end does not reach its beginning."""
LOW_PASS, HIGH_PASS, BAND_PASS = range(3)


@dataclass(frozen=True)
class FilterDraw:
    """How each waveform is filtered; a low-pass takes the upper edge, a high-pass the lower, a band-pass both."""

    chosen: Tensor  # (batch,) bool
    kind: Tensor  # (batch,) LOW_PASS, HIGH_PASS or BAND_PASS
    lower_hz: Tensor  # (batch,)
    upper_hz: Tensor  # (batch,), not below the lower


def low_pass(hz: Tensor, edge_hz: Tensor, order: int = ORDER) -> Tensor:
    """Return the magnitudes (rows, frequencies) of Butterworth low-passes with edges (rows,)."""
    return (1 + (hz[None, :] / edge_hz[:, None]) ** (2 * order)).rsqrt()


def high_pass(hz: Tensor, edge_hz: Tensor, order: int = ORDER) -> Tensor:
    """Return the magnitudes (rows, frequencies) of Butterworth high-passes with edges (rows,)."""
    return (1 + (edge_hz[:, None] / hz.clamp(min=1e-3)[None, :]) ** (2 * order)).rsqrt()


def filtered(waveforms: Tensor, sample_rate_hz: int, magnitudes: Callable[[Tensor], Tensor]) -> Tensor:
    """Return waveforms (rows, samples) whose frequencies are weighted by magnitudes(hz), (rows, frequencies)."""
    length = waveforms.shape[1] + PADDING
    hz = torch.fft.rfftfreq(length, 1 / sample_rate_hz, device=waveforms.device)
    result: Tensor = torch.fft.irfft(torch.fft.rfft(waveforms, n=length) * magnitudes(hz), n=length)
    return result[:, : waveforms.shape[1]]


class Filters(Augmentation):
    """One of the three filters for each chosen waveform."""

    domain: Domain = "waveform"

    def __init__(self, params: FilterParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz

    def draw(self, shape: torch.Size, generator: torch.Generator) -> FilterDraw:
        """Draw for a batch (batch, samples)."""
        batch, params = shape[0], self.params
        chosen = happens(params.probability, batch, generator)
        kind = torch.randint(3, (batch,), generator=generator)
        edges = [log_uniform(params.lowest_hz, params.highest_hz, batch, generator) for _ in range(2)]
        return FilterDraw(chosen, kind, torch.minimum(*edges), torch.maximum(*edges))

    def apply(self, x: Tensor, draw: FilterDraw) -> Tensor:
        """Return the filtered waveforms."""

        def changed(waveforms: Tensor, places: Tensor) -> Tensor:
            kind, lower_hz, upper_hz = (each[places].to(x.device) for each in (draw.kind, draw.lower_hz, draw.upper_hz))

            def magnitudes(hz: Tensor) -> Tensor:
                low = torch.where((kind != HIGH_PASS)[:, None], low_pass(hz, upper_hz), 1.0)
                return low * torch.where((kind != LOW_PASS)[:, None], high_pass(hz, lower_hz), 1.0)

            return filtered(waveforms, self.sample_rate_hz, magnitudes)

        return change_rows(x, draw.chosen, changed)
