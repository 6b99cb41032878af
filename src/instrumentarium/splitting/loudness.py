"""How loud clips are, for a plot: the splits should not differ in it."""

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import FloatArray
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.tables.samplestore import FULL_SCALE

BLOCK = 2**18
"""Samples taken to floating point at once: a megabyte, however long a clip is."""
SILENT_DB = -400.0
"""Level of a silent clip: far below all that 16 bits hold."""


def levels_db(samples: ClipSamples) -> FloatArray:
    """Return the level of each clip, its root mean square, in dB of full scale, (clips,); of silence SILENT_DB."""
    levels = np.full(len(samples), SILENT_DB)
    with progress_bar("split", "clips", total=len(samples)) as bar:
        for index in range(len(samples)):
            power = _power(samples.read(index))
            if power > 0:
                levels[index] = 10 * np.log10(power / FULL_SCALE**2)
            bar.update()
    return levels


def _power(samples: npt.NDArray[np.int16]) -> float:
    """Return the mean square of a clip, (n_samples,), a block at a time."""
    total = 0.0
    for start in range(0, len(samples), BLOCK):
        block = samples[start : start + BLOCK].astype(np.float32)
        total += float(block @ block)
    return total / len(samples)
