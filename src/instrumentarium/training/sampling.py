"""Batches of windows drawn at random for training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import levels_db, surely_above
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training import resident as on_device
from instrumentarium.training.augment.composition import CompositionDraw
from instrumentarium.training.resident import ResidentSamples
from instrumentarium.training.sources import Layer, Sources, part_of, read_window


@dataclass(frozen=True)
class TrainingBatch:
    """Windows of one training step; `number` is the step within the epoch."""

    waveforms: Tensor  # (batch, samples) int16
    targets: Tensor  # (batch, instruments) float32 in {0, 1}
    observed: Tensor  # (batch, instruments) float32 in {0, 1}
    number: int
    layers: tuple[Layer, ...] = ()  # what is put together with the windows
    side: Tensor | None = None  # (batch, inputs) int64, codes of the side inputs

    def to(self, device: torch.device) -> "TrainingBatch":
        """Return the batch on `device`."""
        return TrainingBatch(
            self.waveforms.to(device, non_blocking=True),
            self.targets.to(device, non_blocking=True),
            self.observed.to(device, non_blocking=True),
            self.number,
            tuple(layer.to(device) for layer in self.layers),
            None if self.side is None else self.side.to(device, non_blocking=True),
        )


def draw_clips(
    negatives: npt.NDArray[np.bool_],
    windows: int,
    negatives_share: float,
    rng: np.random.Generator,
    targets: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int_]:
    """Return the clip of each of an epoch's windows, (windows,).

    `negatives` (clips,) is True for clips without any instrument: they get `negatives_share` of the windows, the others
    the rest. Within each group every clip is drawn equally often, give or take one.

    With `targets` (clips, instruments), the rest is balanced by class: each instrument gets as many windows as another,
    give or take one, from its clips equally often; so do the clips of which no instrument is known. A clip of several
    instruments is drawn for each of them.
    """

    def repeat(clips: npt.NDArray[np.int_], count: int) -> npt.NDArray[np.int_]:
        rounds = -(-count // max(len(clips), 1)) if len(clips) else 0
        shuffled = [rng.permutation(clips) for _ in range(rounds)]
        return np.concatenate([*shuffled, np.empty(0, dtype=np.int_)])[:count].astype(np.int_)

    empty, sounding = np.flatnonzero(negatives), np.flatnonzero(~negatives)
    share = round(windows * negatives_share) if len(empty) and len(sounding) else (windows if len(empty) else 0)
    if targets is None:
        return rng.permutation(np.concatenate([repeat(empty, share), repeat(sounding, windows - share)]))
    columns = np.column_stack([targets, ~targets.any(axis=1)])[sounding]  # the last: no instrument is known
    classes = [sounding[column] for column in columns.T if column.any()]
    first = rng.permutation(len(classes))  # those that get one more
    counts = [(windows - share + int(place)) // max(len(classes), 1) for place in first]
    drawn = [repeat(clips, count) for clips, count in zip(classes, counts, strict=True)]
    return rng.permutation(np.concatenate([repeat(empty, share), *drawn]))


class EpochBatches(Dataset[TrainingBatch]):
    """One epoch's batches: which clips, and where in them, follows from (seed, epoch) alone.

    A window that lies `quietest_db` below its clip's loudest does not count in a clip's score, and shows no instrument of
    which a label of the whole clip could be true: those present in the clip are not observed in it.

    Where the clips are resident on a device, windows are cut there, and so the batches are there.
    """

    def __init__(
        self,
        samples: ClipSamples,
        targets: npt.NDArray[np.bool_],
        observed: npt.NDArray[np.bool_],
        loudest_db: npt.NDArray[np.float64],
        *,
        windows: int,
        window_samples: int,
        quietest_db: float,
        batch_size: int,
        negatives_share: float,
        balanced: bool = False,
        seed: int,
        epoch: int,
        sources: Sources | None = None,
        side: npt.NDArray[np.int_] | None = None,
        resident: ResidentSamples | None = None,
    ) -> None:
        self.samples, self.targets, self.observed = samples, targets, observed
        self.loudest_db, self.quietest_db = loudest_db, quietest_db  # levels of the clips, (clips,), and the limit
        self.window_samples, self.batch_size = window_samples, batch_size
        self.epoch, self.sources, self.side, self.resident = epoch, sources, side, resident
        rng = np.random.default_rng(derive_seed(seed, "epoch", epoch))
        negatives = np.asarray(~targets.any(axis=1) & observed.all(axis=1))
        self.clips = draw_clips(negatives, windows, negatives_share, rng, targets if balanced else None)
        self.positions = rng.random(windows)  # where in the clip, 0 its first window, 1 its last

    def __len__(self) -> int:
        """Return the number of batches; windows that don't fill a last one are left for another epoch."""
        return max(len(self.clips) // self.batch_size, 1)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Return the batch with this number."""
        where = slice(number * self.batch_size, (number + 1) * self.batch_size)
        clips, positions = self.clips[where], self.positions[where]
        layers = () if self.sources is None else self.sources.layers(clips, self.epoch, number)
        if self.resident is None:
            windows = np.empty((len(clips), self.window_samples), dtype=np.int16)
            for row, (clip, position) in enumerate(zip(clips, positions, strict=True)):
                windows[row] = read_window(self.samples, int(clip), position, self.window_samples)
            waveforms, too_soft = torch.from_numpy(windows), torch.from_numpy(self._too_soft(windows, clips, layers))
        else:
            waveforms = self.resident.windows(clips, positions)
            levels = _own_levels(waveforms, layers, on_device.levels_db)
            too_soft = torch.from_numpy(self.loudest_db[clips]).to(waveforms.device) - levels >= self.quietest_db
        targets, observed = (
            torch.from_numpy(each[clips]).to(waveforms.device) for each in (self.targets, self.observed)
        )
        hidden = targets & too_soft[:, None]
        return TrainingBatch(
            waveforms,
            (targets & ~hidden).float(),
            (observed & ~hidden).float(),
            number,
            layers,
            None if self.side is None else torch.from_numpy(self.side[clips]),
        )

    def _too_soft(
        self, windows: npt.NDArray[np.int16], clips: npt.NDArray[np.int_], layers: Sequence[Layer]
    ) -> npt.NDArray[np.bool_]:
        """Return which windows, or their parts that begin a sequence, are too soft for their clips, (batch,)."""
        loudest = self.loudest_db[clips]
        if any(isinstance(layer.draw, CompositionDraw) for layer in layers):
            return np.asarray(loudest - _own_levels(windows, layers, levels_db) >= self.quietest_db)
        too_soft = ~surely_above(windows, loudest - self.quietest_db)
        if too_soft.any():
            too_soft[too_soft] = loudest[too_soft] - levels_db(windows[too_soft]) >= self.quietest_db
        return too_soft


Windows = TypeVar("Windows", npt.NDArray[np.int16], Tensor)
Levels = TypeVar("Levels", npt.NDArray[np.float64], Tensor)


def _own_levels(windows: Windows, layers: Sequence[Layer], measure: Callable[[Windows], Levels]) -> Levels:
    """Return the level of each window, (batch,), of its part alone where it begins a sequence."""
    levels = measure(windows)
    for draw in (layer.draw for layer in layers):
        if isinstance(draw, CompositionDraw):
            for row in (draw.sequence & (draw.count > 1)).nonzero()[:, 0].tolist():
                levels[row] = measure(part_of(windows[row], draw, row, 0)[None])[0]
    return levels
