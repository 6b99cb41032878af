"""Banks of band-pass filters of constant Q, as batched products with one Fourier transform of the whole window.

A filter is given by its frequency response relative to its centre, real, so that it delays nothing. Only the bins that it
passes are multiplied. Its output is wanted at every `hop_length`-th sample: the product is folded onto as many bins as
there are such samples, and one short inverse transform gives exactly these.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Response = Callable[[Tensor], Tensor]
"""From frequencies relative to a filter's centre, (f - centre) / centre, to gains."""


@dataclass(frozen=True)
class _Plan:
    """The bank for windows of one length, on one device."""

    rows: int
    device: torch.device
    passed: tuple[tuple[int, int], ...]  # of each filter, the first and the last row of bins, the latter excluded
    gains: tuple[Tensor, ...]  # of each filter, (its rows, bins of a row)


class FilterBank(nn.Module):
    """Signals (batch, samples) → complex outputs (batch, bands, samples // hop_length + 1), centred on every hop.

    Before and after the signal there is silence. For real tones an output has half the tone's amplitude.
    """

    def __init__(
        self,
        centres_hz: Tensor,
        response: Response,
        reach: float,
        sample_rate_hz: int,
        hop_length: int,
        memory_samples: int,
    ) -> None:
        """Build the bank.

        Args:
            centres_hz: of the filters, (bands,), float64.
            response: of every filter.
            reach: the largest relative frequency, up or down, that a filter passes.
            sample_rate_hz: of the signals.
            hop_length: samples from one output to the next.
            memory_samples: how far from a sample a filter still answers to it.
        """
        super().__init__()
        self.centres_hz, self.response, self.reach = centres_hz, response, reach
        self.sample_rate_hz, self.hop_length, self.memory_samples = sample_rate_hz, hop_length, memory_samples
        self.plan: _Plan | None = None

    def forward(self, signals: Tensor) -> Tensor:
        """Return the outputs."""
        samples = signals.shape[1]
        columns = -(
            -(samples + self.memory_samples) // self.hop_length
        )  # no filter reaches around from end to beginning
        plan = self._planned(columns, signals.device)
        spectrum = torch.fft.rfft(signals, n=columns * self.hop_length)
        rows = functional.pad(spectrum, (0, plan.rows * columns - spectrum.shape[1])).reshape(-1, plan.rows, columns)
        folded = torch.stack(
            [
                (rows[:, first:last] * gains).sum(dim=1)
                for (first, last), gains in zip(plan.passed, plan.gains, strict=True)
            ],
            dim=1,
        )  # (batch, bands, columns)
        outputs: Tensor = torch.fft.ifft(folded)[..., : samples // self.hop_length + 1]
        return outputs

    def _planned(self, columns: int, device: torch.device) -> _Plan:
        """Return the bank for so many outputs; that of the last length is kept, since most windows have the same."""
        plan = self.plan
        bins = columns * self.hop_length // 2 + 1
        rows = -(-bins // columns)
        if plan is None or plan.device != device or plan.gains[0].shape[1] != columns:
            bin_hz = self.sample_rate_hz / (columns * self.hop_length)
            passed, gains = [], []
            with torch.inference_mode(False):
                for centre_hz in self.centres_hz.tolist():
                    low, high = (centre_hz * (1 + sign * self.reach) / bin_hz for sign in (-1, 1))
                    first, last = max(int(low), 0) // columns, min(int(high) // columns + 1, rows)
                    numbers = torch.arange(first * columns, last * columns, dtype=torch.float64)
                    relative = numbers * bin_hz / centre_hz - 1
                    exists = (numbers > 0) & (numbers < bins) & (relative.abs() <= self.reach)
                    gain = torch.where(exists, self.response(relative), 0.0) / self.hop_length
                    passed.append((first, last))
                    gains.append(gain.float().view(-1, columns).to(device))
            self.plan = plan = _Plan(rows, device, tuple(passed), tuple(gains))
        return plan
