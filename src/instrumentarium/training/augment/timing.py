"""Time shift and polarity: the same sound at another place in its window, or upside down."""

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, change_rows, happens, uniform
from instrumentarium.training.augment.params import PolarityParams, TimeShiftParams


class TimeShift(Augmentation):
    """Windows moved round: what leaves at one end comes in at the other, as by `torch.roll`. A draw is (batch,)."""

    domain: Domain = "waveform"

    def __init__(self, params: TimeShiftParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Draw by how many samples each waveform is later, negative for earlier and 0 where it stays."""
        chosen = happens(self.params.probability, shape[0], generator)
        shift = (uniform(-self.params.share, self.params.share, shape[0], generator) * shape[1]).round().long()
        return torch.where(chosen, shift, 0)

    def apply(self, x: Tensor, draw: Tensor) -> Tensor:
        """Return the shifted waveforms."""

        def moved(waveforms: Tensor, places: Tensor) -> Tensor:
            samples = torch.arange(waveforms.shape[1], device=x.device)
            shift = draw[places].to(x.device)
            return waveforms.gather(1, (samples[None, :] - shift[:, None]) % waveforms.shape[1])

        return change_rows(x, draw != 0, moved)


class Polarity(Augmentation):
    """Waveforms times -1. A draw is (batch,) bool."""

    domain: Domain = "waveform"

    def __init__(self, params: PolarityParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Draw which waveforms are turned."""
        return happens(self.params.probability, shape[0], generator)

    def apply(self, x: Tensor, draw: Tensor) -> Tensor:
        """Return the turned waveforms."""
        return torch.where(draw.to(x.device)[:, None], -x, x)
