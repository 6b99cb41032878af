"""The key of a recording: how much of each pitch class it has, compared with the profile of each key.

Krumhansl: Cognitive foundations of musical pitch, 1990 (the algorithm, and the profiles of Krumhansl and Kessler 1982).
Three seconds of one instrument seldom have all notes of a key, so what is compared is of a whole recording.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.tables.schemas import PITCH_CLASSES

FloatArray = npt.NDArray[np.float64]

PROFILES: dict[Literal["major", "minor"], tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each pitch class fits a key, from its tonic up."""


@dataclass(frozen=True)
class Key:
    """A key; `strength` is the correlation with its profile, from -1 to 1."""

    tonic: str
    mode: Literal["major", "minor"]
    strength: float


def key_of(chroma: FloatArray) -> Key | None:
    """Return the key whose profile correlates best with the strengths (12,) of pitch classes from C on, or None."""
    if np.ptp(chroma) == 0:
        return None
    found = [
        Key(PITCH_CLASSES[tonic], mode, float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]))
        for mode, profile in PROFILES.items()
        for tonic in range(len(PITCH_CLASSES))
    ]
    return max(found, key=lambda key: key.strength)
