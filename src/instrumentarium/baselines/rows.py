"""Windows as rows to learn from or to score: their values, what is known of their clips, and how much they count.

A window inherits its clip's labels, as when a network is trained. How much it counts falls with its level beside the
loudest window of its clip (`clips.levels`), in training as in pooling.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.clips.levels import window_weights
from instrumentarium.clips.params import WindowsParams
from instrumentarium.clips.pooling import pool_windows
from instrumentarium.descriptors.table import DescriptorTable

Words = npt.NDArray[np.str_]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """Windows to learn from.

    Attributes:
        values: (rows, columns).
        targets: (rows, instruments), Boolean.
        observed: (rows, instruments), Boolean; pairs that are not are no examples of anything.
        weights: (rows,), in [0, 1].
        recordings: (rows,), the recording each was cut from.
    """

    values: Float32
    targets: BoolArray
    observed: BoolArray
    weights: FloatArray
    recordings: Words

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def take(self, rows: npt.NDArray[np.integer] | BoolArray) -> "Rows":
        """Return these rows, by number or by a Boolean for each."""
        return Rows(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True)
class ScoredWindows:
    """Every window of the clips of some splits, to be scored.

    Attributes:
        clip_ids: (clips,), rising.
        splits: (clips,).
        recordings: (clips,).
        values: (windows, columns).
        owners: (windows,), the place of each window's clip, rising.
        weights: (windows,), how much each counts.
        windows: how they were cut, and are pooled.
    """

    clip_ids: tuple[str, ...]
    splits: Words
    recordings: Words
    values: Float32
    owners: npt.NDArray[np.int_]
    weights: FloatArray
    windows: WindowsParams

    def pooled(self, scores: FloatArray) -> FloatArray:
        """Return the clips' scores, (clips, instruments), of those of their windows, as the model's are pooled."""
        return pool_windows(scores, self.windows.clip_score, self.weights, self.owners)


def training_rows(table: DescriptorTable, split: pd.DataFrame, labels: LabelArrays) -> Rows:
    """Return the windows of the training clips; those too soft to count are left out.

    Args:
        table: of descriptors.
        split: columns clip_id, split, recording_id.
        labels: a row for every clip of the split.
    """
    placed = split[split["split"] == "train"].sort_values("clip_id", ignore_index=True)
    rows, owners, weights = _windows_of(table, placed["clip_id"].tolist())
    known = labels.take(placed["clip_id"].tolist())
    found = Rows(
        table.values[rows],
        known.targets[owners],
        known.observed[owners],
        weights,
        placed["recording_id"].to_numpy(dtype=np.str_)[owners],
    )
    return found.take(weights > 0)


def scored_windows(table: DescriptorTable, split: pd.DataFrame) -> ScoredWindows:
    """Return the windows of the validation and test clips."""
    placed = split[split["split"].isin(["validation", "test"])].sort_values("clip_id", ignore_index=True)
    rows, owners, weights = _windows_of(table, placed["clip_id"].tolist())
    return ScoredWindows(
        tuple(placed["clip_id"]),
        placed["split"].to_numpy(dtype=np.str_),
        placed["recording_id"].to_numpy(dtype=np.str_),
        table.values[rows],
        owners,
        weights,
        table.card.windows,
    )


def _windows_of(
    table: DescriptorTable, clip_ids: Sequence[str]
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_], FloatArray]:
    rows, owners = table.of_clips({clip_id: place for place, clip_id in enumerate(clip_ids)})
    levels = table.windows["level_db"].to_numpy(dtype=np.float64)[rows]
    return rows, owners, window_weights(levels, table.card.windows.quietest_db, owners)
