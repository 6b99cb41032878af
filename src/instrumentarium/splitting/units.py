"""What is moved as one when clips are split: recordings, with what their clips hold.

A label counts where its relevance exceeds 0.5. A pair of clip and instrument that nobody observed has no row: it adds to no
count of positives, and a clip is a clip whatever is known of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """Recordings in alphabetical order, whatever order their clips came in.

    Attributes:
        names: (units,), ids of the recordings.
        clips: (units,), how many clips each has.
        positives: (units, instruments), how many of its clips hold the instrument.
        pairs: (units, pairs), how many of its clips hold both instruments of a pair; pairs as in `occurring_pairs`.
    """

    names: tuple[str, ...]
    clips: IntArray
    positives: IntArray
    pairs: IntArray

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.names)

    def union(self) -> BoolArray:
        """Return (units, instruments): true where any clip of the recording holds the instrument."""
        return self.positives > 0


def positive_labels(clips: pd.DataFrame, labels: pd.DataFrame, codes: Sequence[str]) -> BoolArray:
    """Return (clips, instruments) in the order of `codes`: true where the relevance exceeds 0.5.

    Args:
        clips: column clip_id; one row a clip.
        labels: columns clip_id, instrument, relevance; rows of other clips count for nothing.
        codes: of the instruments.
    """
    present = labels[labels["relevance"] > 0.5]
    rows = pd.Index(clips["clip_id"]).get_indexer(pd.Index(present["clip_id"]))
    columns = pd.Index(list(codes)).get_indexer(pd.Index(present["instrument"]))
    here = rows >= 0
    positives = np.zeros((len(clips), len(codes)), dtype=np.bool_)
    positives[rows[here], columns[here]] = True
    return positives


def occurring_pairs(positives: BoolArray) -> BoolArray:
    """Return (clips, pairs): which clips hold both instruments, for each pair that at least one clip holds."""
    first, second = np.triu_indices(positives.shape[1], k=1)
    both = positives[:, first] & positives[:, second]  # (clips, instruments * (instruments - 1) / 2)
    return np.asarray(both[:, both.any(axis=0)], dtype=np.bool_)


def recording_units(clips: pd.DataFrame, labels: pd.DataFrame, recordings: pd.Series, codes: Sequence[str]) -> Units:
    """Return the recordings that `clips` were cut from.

    Args:
        clips: column clip_id; one row a clip.
        labels: columns clip_id, instrument, relevance.
        recordings: the recording of each clip, indexed as `clips` is.
        codes: of the instruments.
    """
    names, unit_of = np.unique(recordings[clips.index].to_numpy(dtype=np.str_), return_inverse=True)
    positives = positive_labels(clips, labels, codes)

    def per_unit(counted: BoolArray) -> IntArray:
        totals = np.zeros((len(names), counted.shape[1]), dtype=np.int64)
        np.add.at(totals, unit_of, counted.astype(np.int64))
        return totals

    return Units(
        names=tuple(str(name) for name in names),
        clips=np.bincount(unit_of, minlength=len(names)).astype(np.int64),
        positives=per_unit(positives),
        pairs=per_unit(occurring_pairs(positives)),
    )
