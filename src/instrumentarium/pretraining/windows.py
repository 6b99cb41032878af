"""Windows without labels: one at a time, or two of one recording.

Which clips, and where in them, follows from (seed, purpose, epoch, batch) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.sampling import draw_clips
from instrumentarium.training.sources import read_window


class TooFewRecordingsError(UserError, ValueError):
    """A split has too few recordings to learn from."""


@dataclass(frozen=True)
class WindowBatch:
    """Windows of one step; `number` is the step within the epoch."""

    waveforms: Tensor  # (batch, samples) int16; of pairs first all first windows, then all second ones
    number: int


@dataclass(frozen=True)
class Unlabelled:
    """The clips of one split, and the recording of each."""

    samples: ClipSamples
    recordings: Sequence[str]


class SingleWindows(Dataset[WindowBatch]):
    """Batches of windows, from every clip equally often, give or take one."""

    def __init__(
        self, data: Unlabelled, *, windows: int, window_samples: int, batch_size: int, seed: int, epoch: int
    ) -> None:
        self.data, self.window_samples, self.batch_size = data, window_samples, min(batch_size, windows)
        rng = np.random.default_rng(derive_seed(seed, "unlabelled windows", epoch))
        self.clips = draw_clips(np.zeros(len(data.samples), dtype=np.bool_), windows, 0.0, rng)
        self.positions = rng.random(windows)

    def __len__(self) -> int:
        """Return the number of batches; windows that don't fill a last one are left for another epoch."""
        return len(self.clips) // self.batch_size

    def __getitem__(self, number: int) -> WindowBatch:
        """Return the batch with this number."""
        where = slice(number * self.batch_size, (number + 1) * self.batch_size)
        windows = [
            read_window(self.data.samples, int(clip), float(position), self.window_samples)
            for clip, position in zip(self.clips[where], self.positions[where], strict=True)
        ]
        return WindowBatch(torch.from_numpy(np.stack(windows)), number)


class PairedWindows(Dataset[WindowBatch]):
    """Batches of `batch_size` windows, two of each recording, of recordings that differ within a batch.

    Raises:
        TooFewRecordingsError: if there are fewer than two recordings.
    """

    def __init__(
        self, data: Unlabelled, *, windows: int, window_samples: int, batch_size: int, seed: int, epoch: int
    ) -> None:
        clips: dict[str, list[int]] = {}
        for clip, recording in enumerate(data.recordings):
            clips.setdefault(recording, []).append(clip)
        self.clips = [clips[recording] for recording in sorted(clips)]
        if len(self.clips) < 2:
            raise TooFewRecordingsError(
                f"pretraining.method contrastive tells recordings apart, and a split has {len(self.clips)}; look at "
                "metrics/split.json and change `split` in params.yaml"
            )
        self.data, self.window_samples, self.seed, self.epoch = data, window_samples, seed, epoch
        self.pairs = min(max(batch_size // 2, 2), len(self.clips))
        self.batches = max(windows // (2 * self.pairs), 1)

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.batches

    def __getitem__(self, number: int) -> WindowBatch:
        """Return the batch with this number."""
        if not 0 <= number < self.batches:
            raise IndexError(number)
        rng = np.random.default_rng(derive_seed(self.seed, "unlabelled pairs", self.epoch, number))
        halves: tuple[list[npt.NDArray[np.int16]], list[npt.NDArray[np.int16]]] = ([], [])
        for recording in rng.permutation(len(self.clips))[: self.pairs]:
            own = rng.permutation(self.clips[recording])
            for half, clip in zip(halves, (own[0], own[-1]), strict=True):  # the same where there is but one
                half.append(read_window(self.data.samples, int(clip), float(rng.random()), self.window_samples))
        return WindowBatch(torch.from_numpy(np.stack([*halves[0], *halves[1]])), number)
