"""Clips of distinct recordings put together: summed, or one after the other.

Their windows lie side by side, (batch, sources, samples), the batch's own first; where a row has fewer, the rest is silence
in which everything is known to be absent. Which clips they are is not decided here (`training.partners`).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, uniform
from instrumentarium.training.augment.labels import union
from instrumentarium.training.augment.levels import SILENT, level, linear
from instrumentarium.training.augment.params import CompositionParams

FADE_S = 0.01
"""From one clip to the next, so that there is no click."""
SHORTEST_PART = 0.5
"""Lengths of parts are drawn from this to 1.5 times the mean, before they are brought to the window's length together."""


@dataclass(frozen=True)
class CompositionDraw:
    """What each row is made of."""

    count: Tensor  # (batch,) sources; 1 where the row stays as it is
    sequence: Tensor  # (batch,) bool, one after the other instead of at once
    gain: Tensor  # (batch, sources) linear, relative to the first source's level, which has 1
    bounds: Tensor  # (batch, sources) where each source of a sequence ends, as a share of the window

    def fewer(self, count: Tensor) -> "CompositionDraw":
        """Return the draw with no more than `count` sources, (batch,), because no more partners were found.

        The parts of a sequence that is left with fewer are stretched over the whole window.
        """
        kept = torch.minimum(self.count, count)
        last = self.bounds.gather(1, (kept - 1)[:, None])
        return replace(self, count=kept, bounds=(self.bounds / last).clamp(max=1.0))


class Composition(Augmentation):
    """Sums and concatenations; a row is one of them or neither."""

    domain: Domain = "sources"

    def __init__(
        self, total: CompositionParams | None, sequence: CompositionParams | None, sample_rate_hz: int
    ) -> None:
        self.sum, self.sequence, self.sample_rate_hz = total, sequence, sample_rate_hz

    @property
    def most(self) -> int:
        """Sources of a row at most."""
        return max(each.clips for each in (self.sum, self.sequence) if each is not None)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> CompositionDraw:
        """Draw for a batch (batch, sources, samples)."""
        batch, sources = shape[:2]
        which = torch.rand(batch, generator=generator)
        amount = torch.rand(batch, generator=generator)
        decibels = 2 * torch.rand(batch, sources, generator=generator) - 1
        lengths = uniform(SHORTEST_PART, 2 - SHORTEST_PART, batch * sources, generator).view(batch, sources)
        count = torch.ones(batch, dtype=torch.long)
        gain = torch.ones(batch, sources)
        begins = 0.0
        for params in (self.sum, self.sequence):
            if params is None:
                continue
            chosen = (which >= begins) & (which < begins + params.probability)
            begins += params.probability
            drawn = 2 + (amount * (params.clips - 1)).long()
            count = torch.where(chosen, drawn.clamp(max=sources), count)
            gain = torch.where(chosen[:, None], linear(decibels * params.level_db), gain)
        gain[:, 0] = 1.0
        summed = 0.0 if self.sum is None else self.sum.probability
        bounds = lengths.cumsum(dim=1)
        last = bounds.gather(1, (count - 1)[:, None])
        return CompositionDraw(count, (which >= summed) & (count > 1), gain, (bounds / last).clamp(max=1.0))

    def apply(self, x: Tensor, draw: CompositionDraw) -> Tensor:
        """Return the put-together waveforms (batch, samples), of the first source's level.

        Every source is brought to the level of the first before its gain; next to a silent one it keeps its own.
        """
        sources, samples = x.shape[1:]
        places = (draw.count > 1).nonzero()[:, 0]
        own = x[:, 0].clone()
        if not len(places):
            return own
        rows = x[places.to(x.device)]
        levels = level(rows)  # (rows, sources, 1)
        common = torch.where(levels[:, :1] > SILENT, levels[:, :1], levels)
        gains = draw.gain[places].to(x.device)[:, :, None] * common / levels.clamp(min=SILENT)
        there = torch.arange(sources)[None, :] < draw.count[places, None]
        gains = torch.where(there[:, :, None].to(x.device), gains, 0.0)
        power = (draw.gain[places].square() * there).sum(dim=1).to(x.device)  # of independent sources
        sequence = draw.sequence[places].to(x.device)
        gains = gains * torch.where(sequence, 1.0, power.rsqrt())[:, None, None]
        parts = draw.sequence[places].nonzero()[:, 0]
        if len(parts):
            rows[parts.to(x.device)] *= self._fades(draw, places[parts], samples).to(x.device)
        own[places.to(x.device)] = torch.einsum("bsn,bs->bn", rows, gains[:, :, 0])
        return own

    def _fades(self, draw: CompositionDraw, places: Tensor, samples: int) -> Tensor:
        """Return the weight of each source at each sample, (rows, sources, samples); the weights of a sample sum to 1."""
        ends = (draw.bounds[places] * samples)[:, :, None]
        starts = torch.nn.functional.pad(ends[:, :-1], (0, 0, 1, 0), value=-samples)
        last = torch.arange(ends.shape[1])[None, :, None] >= draw.count[places, None, None] - 1
        ends = torch.where(last, 2.0 * samples, ends)
        time, fade = torch.arange(samples)[None, None, :], FADE_S * self.sample_rate_hz
        rises = ((time - starts) / fade + 0.5).clamp(0, 1)
        falls = ((time - ends) / fade + 0.5).clamp(0, 1)
        return rises - falls

    def unite(self, targets: Tensor, observed: Tensor, draw: CompositionDraw) -> tuple[Tensor, Tensor]:
        """Return both (batch, instruments), of those of the sources, (batch, sources, instruments)."""
        there = torch.arange(targets.shape[1])[None, :, None] < draw.count[:, None, None]
        there = there.to(targets.device)
        together = union(torch.where(there, targets, 0), torch.where(there, observed, 1))
        alone = (draw.count == 1).to(targets.device)[:, None]
        return torch.where(alone, targets[:, 0], together[0]), torch.where(alone, observed[:, 0], together[1])
