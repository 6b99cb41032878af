"""All clips of a corpus as one run of 16-bit samples, kept in a few memory-mapped `.npy` shards.

Tens of thousands of small files slow every DVC command; a few large ones do not, and a random crop from a memory map
costs microseconds. A clip lies within one shard; `first_sample` counts through the shards in the order of their names.
"""

import bisect
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from instrumentarium.runtime.errors import UserError

FULL_SCALE = 32767
"""The integer that stands for a waveform's ±1."""
SILENT_PEAK = 10 ** (-72 / 20)
"""What never exceeds this (about ±8 of 32,768), a clip or a window of one, is silent: a label on it can't be true."""
SHARD_SAMPLES = 128 * 2**20
"""Samples a shard: 256 MiB."""


class SamplesError(UserError, ValueError):
    """A shard that is not what ingest wrote."""


class MissingSamplesError(UserError, FileNotFoundError):
    """A sample store that ingest has not made yet."""


def _header(samples: int) -> bytes:
    """Return the `.npy` header of a vector of `samples` int16; NumPy pads it so that its length never changes."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": np.lib.format.dtype_to_descr(np.dtype("<i2")), "fortran_order": False, "shape": (samples,)}
    )
    return buffer.getvalue()


class SampleWriter:
    """Append clips to the shards of an empty folder; the headers are set right as each shard is closed."""

    def __init__(self, folder: Path, shard_samples: int = SHARD_SAMPLES) -> None:
        self._folder = folder
        self._shard_samples = shard_samples
        self._file: BinaryIO | None = None
        self._in_shard = 0
        self._shards = 0
        self._written = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def append(self, samples: npt.NDArray[np.int16]) -> int:
        """Write one clip, (n_samples,), and return its first_sample."""
        if self._file is None or (self._in_shard and self._in_shard + len(samples) > self._shard_samples):
            self._next_shard()
        assert self._file is not None
        self._file.write(np.ascontiguousarray(samples, dtype="<i2").data)
        first = self._written
        self._in_shard += len(samples)
        self._written += len(samples)
        return first

    def _next_shard(self) -> None:
        self._close_shard()
        self._file = (self._folder / f"{self._shards:03d}.npy").open("wb")
        self._file.write(_header(0))
        self._shards += 1
        self._in_shard = 0

    def _close_shard(self) -> None:
        if self._file is not None:
            with self._file as file:
                self._file = None
                file.seek(0)
                file.write(_header(self._in_shard))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._file is None:
            self._next_shard()  # an empty corpus has one empty shard, so that readers need no special case
        self._close_shard()


class SampleStore:
    """Read clips from one corpus's shards; nothing is loaded before it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Map the shards of `folder`.

        Raises:
            MissingSamplesError: if there is none.
            SamplesError: if one has a damaged header, is cut off, or has more behind its samples.
        """
        paths = sorted(folder.glob("*.npy"))
        if not paths:
            raise MissingSamplesError(f"{folder} holds no sample shards; run `dvc repro ingest`")
        self._shards: Sequence[npt.NDArray[np.int16]] = [_open_shard(path) for path in paths]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)]).tolist()

    def __len__(self) -> int:
        """Return the number of samples in all shards."""
        return int(self._starts[-1])

    def read(self, first_sample: int, n_samples: int) -> npt.NDArray[np.int16]:
        """Return a view of (n_samples,) within one clip.

        Raises:
            SamplesError: if the range leaves the store or a shard, so cannot be one clip's.
        """
        index = bisect.bisect_right(self._starts, first_sample) - 1
        start = first_sample - self._starts[index]
        if first_sample < 0 or index >= len(self._shards) or start + n_samples > len(self._shards[index]):
            raise SamplesError(
                f"samples {first_sample}..{first_sample + n_samples} do not lie within one shard, so clips.csv and the "
                "samples are not of one run; run `dvc repro ingest`"
            )
        return self._shards[index][start : start + n_samples]


def _open_shard(path: Path) -> npt.NDArray[np.int16]:
    """Map one shard, whose header and size must be those that `SampleWriter` gives it.

    Raises:
        SamplesError: if they are not.
    """
    again = "run `dvc checkout --force`, or ingest again with `dvc repro --force ingest`"
    with path.open("rb") as file:
        header, size = file.read(len(_header(0))), path.stat().st_size
    samples = (size - len(header)) // 2
    if size % 2 or header != _header(samples):
        raise SamplesError(
            f"{path} is damaged: its header is not that of {samples} samples, which its {size} bytes would hold; {again}"
        )
    if not samples:
        return np.zeros(0, np.int16)
    return np.memmap(path, dtype="<i2", mode="r", offset=len(header), shape=(samples,))
