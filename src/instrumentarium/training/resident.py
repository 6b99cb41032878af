"""All training clips in the memory of the device, as 16-bit samples, and windows cut from them there.

A step then reads nothing from the disk and moves nothing to the device but which clips, and where in them. The windows
are those that would be read from the sample store.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import SILENT_DB
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.memory import available_bytes
from instrumentarium.tables.samplestore import FULL_SCALE, SILENT_PEAK

LARGEST_SHARE = 0.7
"""Of the memory that is free; the rest is for the network and its gradients."""


class ResidentError(UserError, MemoryError):
    """The samples do not fit into the device's memory."""


class ResidentSamples:
    """The samples of clips on a device.

    Args:
        samples: of the clips.
        device: where they are kept.
        window_samples: of a window.

    Raises:
        ResidentError: if they take more than LARGEST_SHARE of the memory that is free there.
    """

    def __init__(self, samples: ClipSamples, device: torch.device, window_samples: int) -> None:
        total, free = 2 * sum(samples.n_samples), free_bytes(device)
        if total > LARGEST_SHARE * free:
            raise ResidentError(
                f"training.trainer.samples is resident, and the samples of {len(samples)} training clips take "
                f"{total / 1e9:.2f} GB, more than {LARGEST_SHARE:.0%} of the {free / 1e9:.2f} GB that are free on {device}"
                "; set it to streamed"
            )
        # behind the last clip lies silence, so that a window can begin at each sample
        stored = torch.zeros(total // 2 + window_samples, dtype=torch.int16, device=device)
        self.starting = stored.unfold(0, window_samples, 1)  # (samples + 1, window_samples), a view
        self.lengths = np.array(samples.n_samples, dtype=np.int64)
        self.firsts = np.cumsum([0, *samples.n_samples])[:-1].astype(np.int64)
        for clip in range(len(samples)):
            first = int(self.firsts[clip])
            stored[first : first + int(self.lengths[clip])] = torch.from_numpy(samples.read(clip).copy()).to(device)

    def windows(self, clips: npt.NDArray[np.int_], positions: npt.NDArray[np.float64]) -> Tensor:
        """Return (batch, window_samples) int16 of clips; a position of 0 is a clip's first window, and 1 its last.

        A clip that is shorter is filled up with silence.
        """
        lengths, length, device = self.lengths[clips], self.starting.shape[1], self.starting.device
        starts = (positions * np.maximum(lengths - length + 1, 1)).astype(np.int64)
        windows = self.starting[torch.from_numpy(self.firsts[clips] + starts).to(device)]
        for row in (lengths < length).nonzero()[0].tolist():
            windows[row, int(lengths[row]) :] = 0
        return windows


def free_bytes(device: torch.device) -> int:
    """Return how much of a device's memory is free."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_bytes()


def levels_db(windows: Tensor) -> Tensor:
    """Return the level of windows (windows, samples) int16 in dB of full scale, (windows,), on their device.

    As `clips.levels.levels_db`, but for rounding.
    """
    samples = windows.double() / FULL_SCALE
    samples = samples - samples.mean(dim=1, keepdim=True)
    sounding = samples.abs().amax(dim=1) >= SILENT_PEAK
    powers = samples.square().mean(dim=1)
    return torch.where(sounding, 10 * torch.log10(torch.where(sounding, powers, 1.0)), SILENT_DB)
