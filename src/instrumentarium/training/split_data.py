"""The clips of one split, ready to be trained on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.training.partners import ClipTraits


@dataclass(frozen=True)
class SplitData:
    """The clips of one split: their samples and labels, row by row.

    `traits` are for where clips are put together, and `side` holds the codes of the side inputs, (clips, inputs).
    """

    samples: ClipSamples
    labels: LabelArrays
    traits: ClipTraits | None = None
    side: npt.NDArray[np.int_] | None = None

    def __post_init__(self) -> None:
        """Make sure that row n is the same clip in both."""
        if tuple(self.labels.clip_ids) != self.samples.clip_ids:
            raise ValueError("samples and labels name different clips, or in another order")
