"""Validation data as a loader of its own, and what its scores are worth: over all clips, never an average over batches."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchmetrics.functional.classification import binary_average_precision

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.windows import cut_window, window_starts


@dataclass(frozen=True)
class ValidationBatch:
    """Windows of validation clips."""

    waveforms: Tensor  # (batch, samples) int16
    numbers: Tensor  # (batch,) int64, which of all windows each is

    def to(self, device: torch.device) -> "ValidationBatch":
        """Return the batch on `device`."""
        return ValidationBatch(self.waveforms.to(device, non_blocking=True), self.numbers.to(device))


class ValidationWindows(Dataset[ValidationBatch]):
    """All windows of all clips in batches, each window once; several devices can share the batches.

    Attributes:
        owners: (windows,), the clip each window was cut from.
    """

    def __init__(self, samples: ClipSamples, window_samples: int, hop_samples: int, batch_size: int) -> None:
        self.samples, self.window_samples, self.batch_size = samples, window_samples, batch_size
        starts = [window_starts(count, window_samples, hop_samples) for count in samples.n_samples]
        self.owners = np.repeat(np.arange(len(samples)), [len(each) for each in starts])
        self.starts = np.array([start for each in starts for start in each], dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of batches."""
        return (len(self.owners) + self.batch_size - 1) // self.batch_size

    def __getitem__(self, number: int) -> ValidationBatch:
        """Return the batch with this number."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        rows = range(number * self.batch_size, min((number + 1) * self.batch_size, len(self.owners)))
        windows = [
            cut_window(self.samples.read(int(self.owners[row])), int(self.starts[row]), self.window_samples)
            for row in rows
        ]
        return ValidationBatch(torch.from_numpy(np.stack(windows)), torch.arange(rows.start, rows.stop))


def mean_average_precision(scores: npt.NDArray[np.float32], labels: LabelArrays) -> float:
    """Return the mean over instruments of the average precision over the observed clips of each.

    Instruments without a positive clip are left out; without any, the result is 0.
    """
    precisions = [
        float(
            binary_average_precision(
                torch.from_numpy(scores[seen, column]), torch.from_numpy(labels.targets[seen, column].astype(np.int64))
            )
        )
        for column, seen in enumerate(labels.observed.T)
        if labels.targets[seen, column].any()
    ]
    return float(np.mean(precisions)) if precisions else 0.0


def cross_entropy(scores: npt.NDArray[np.float32], labels: LabelArrays) -> float:
    """Return the mean binary cross-entropy of clip scores over the observed pairs."""
    probabilities = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    losses = -np.log(np.where(labels.targets, probabilities, 1 - probabilities))
    return float(losses[labels.observed].mean())
