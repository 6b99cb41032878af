"""From stored samples to waveforms."""

from torch import Tensor

from instrumentarium.tables.samplestore import FULL_SCALE


def to_waveforms(samples: Tensor) -> Tensor:
    """Return int16 samples as float32 with full scale at ±1."""
    return samples * (1 / FULL_SCALE)
