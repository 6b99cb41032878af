"""Band power in decibels: against full scale, or against the window's own mean power, so that loudness tells nothing.

The scale is floored: silence is a number, not minus infinity.
"""

import math

from torch import Tensor

from instrumentarium.frontends.base import QUIETEST
from instrumentarium.frontends.params import Level

FLOOR = 1e-10
"""Power below which a band counts as silent: -100 dB."""
RANGE_DB = 80.0
DB_PER_NEPER = 10 / math.log(10)
"""Of power. The natural logarithm is the one whose last bit does not depend on the processor's maker (`STRICT`)."""


def reference_of(power: Tensor, level: Level) -> Tensor | None:
    """Return what is 0 dB for band powers (batch, bands, frames): their mean, (batch, 1, 1), or None for full scale."""
    return power.mean(dim=(1, 2), keepdim=True).clamp(min=QUIETEST) if level == "relative" else None


def decibels(power: Tensor, reference: Tensor | None) -> Tensor:
    """Return power (batch, bands, frames) in dB.

    Nothing lies more than 80 dB below the reference, or 100 dB below full scale.
    """
    clamped = power.clamp(min=FLOOR) if reference is None else (power / reference).clamp(min=10 ** (-RANGE_DB / 10))
    return clamped.log() * DB_PER_NEPER
