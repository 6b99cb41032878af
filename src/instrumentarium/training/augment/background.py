"""Background: a clip without any instrument behind the waveform, at a signal-to-noise ratio."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, happens, uniform
from instrumentarium.training.augment.levels import SILENT, level, linear
from instrumentarium.training.augment.params import BackgroundParams

SOURCES = 2
"""The window, and what is behind it."""


@dataclass(frozen=True)
class BackgroundDraw:
    """How loud each background is."""

    gain: Tensor  # (batch,) linear, relative to the waveform's own level; 0 where there is none

    def only(self, found: Tensor) -> "BackgroundDraw":
        """Return the draw without a background where `found`, (batch,) bool, is False."""
        return replace(self, gain=torch.where(found, self.gain, 0.0))


class Background(Augmentation):
    """The sources are a window and its background, (batch, 2, samples). Labels stay: nothing plays in a background."""

    domain: Domain = "sources"

    def __init__(self, params: BackgroundParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> BackgroundDraw:
        """Draw for a batch (batch, 2, samples)."""
        chosen = happens(self.params.probability, shape[0], generator)
        gain = linear(-uniform(self.params.snr_db, 40.0, shape[0], generator))
        return BackgroundDraw(torch.where(chosen, gain, 0.0))

    def apply(self, x: Tensor, draw: BackgroundDraw) -> Tensor:
        """Return the waveforms (batch, samples) with their backgrounds; beside a silent one a background is silent, too."""
        waveforms, behind = x[:, 0], x[:, 1]
        gain = draw.gain.to(x.device)[:, None] * level(waveforms) / level(behind).clamp(min=SILENT)
        return torch.where(gain > 0, waveforms + behind * gain, waveforms)

    def unite(self, targets: Tensor, observed: Tensor, draw: BackgroundDraw) -> tuple[Tensor, Tensor]:
        """Return the window's own, (batch, instruments), of those of both, (batch, 2, instruments)."""
        return targets[:, 0], observed[:, 0]
