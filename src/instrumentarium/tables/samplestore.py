"""All clips of a corpus as one run of 16-bit samples, kept in a few memory-mapped `.npy` shards.

Tens of thousands of small files slow every DVC command; a few large ones do not, and a random crop from a memory map
costs microseconds. A clip lies within one shard; `first_sample` counts through the shards in the order of their names.

Beside the shards lies the sha256 of each one's samples, under a seal of its own. A store checks a shard before the first
clip is read from it, and a shard none is read from not at all. That costs a process one pass over the shards it uses, on
all cores: 0.6 s of a core a GB where the processor has instructions for sha256, 2 to 3 s where it has none. The 18 GB of
the published corpora so take some seconds a stage, and the miniature's 0.25 GB a tenth of one.

A store may be larger than memory. Pages of a map count as the process's own once they were read, until the system wants
them back, which a limit on a process's memory does not wait for: so they are given back now and then, and stay in the
system's cache as long as there is room.
"""

import bisect
import contextlib
import hashlib
import io
import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import SEAL, DamagedFileError, read_json, sealed, unseal
from instrumentarium.runtime.workers import map_in_order, worker_pool

FULL_SCALE = 32767
"""The integer that stands for a waveform's ±1."""
SILENT_PEAK = 10 ** (-72 / 20)
"""What never exceeds this (about ±8 of 32,768), a clip or a window of one, is silent: a label on it can't be true."""
SHARD_SAMPLES = 128 * 2**20
"""Samples a shard: 256 MiB."""

RESIDENT_BYTES = 256 * 2**20
"""Of samples handed out, after which their pages are given back; cached ones come back in microseconds."""

CHECKSUMS = "checksums.json"
AGAIN = (
    "remove the folder of the shard and run `dvc checkout`, which brings it back from DVC's cache; where it comes back "
    "damaged, the cache is damaged, too: ingest again with `dvc repro --force ingest`"
)
"""`dvc checkout --force` would not do: it leaves a file alone whose size and time are as before."""


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
    """Append clips to the shards of an empty folder; the headers are set right as each shard is closed.

    The checksums are written when all went well, so a store that was cut off has none.
    """

    def __init__(self, folder: Path, shard_samples: int = SHARD_SAMPLES) -> None:
        self._folder = folder
        self._shard_samples = shard_samples
        self._file: BinaryIO | None = None
        self._in_shard = 0
        self._digest = hashlib.sha256()
        self._checksums: dict[str, str] = {}
        self._written = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def append(self, samples: npt.NDArray[np.int16]) -> int:
        """Write one clip, (n_samples,), and return its first_sample."""
        if self._file is None or (self._in_shard and self._in_shard + len(samples) > self._shard_samples):
            self._next_shard()
        assert self._file is not None
        data = np.ascontiguousarray(samples, dtype="<i2").data
        self._file.write(data)
        self._digest.update(data)
        first = self._written
        self._in_shard += len(samples)
        self._written += len(samples)
        return first

    def _next_shard(self) -> None:
        self._close_shard()
        self._file = (self._folder / f"{len(self._checksums):03d}.npy").open("wb")
        self._file.write(_header(0))
        self._in_shard, self._digest = 0, hashlib.sha256()

    def _close_shard(self) -> None:
        if self._file is not None:
            with self._file as file:
                self._file = None
                file.seek(0)
                file.write(_header(self._in_shard))
            self._checksums[Path(file.name).name] = self._digest.hexdigest()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._file is None:
            self._next_shard()  # an empty corpus has one empty shard, so that readers need no special case
        self._close_shard()
        if kind is None:
            write_json(self._folder / CHECKSUMS, sealed({"shards": self._checksums}))


class SampleStore:
    """Read clips from one corpus's shards; nothing is loaded before it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Map the shards of `folder`, whose samples are checked when the first of each is read.

        Raises:
            MissingSamplesError: if there is none.
            SamplesError: if one has a damaged header, is cut off, has more behind its samples or lacks a checksum, or if
                one is missing.
        """
        self._paths = sorted(folder.glob("*.npy"))
        if not self._paths:
            raise MissingSamplesError(f"{folder} holds no sample shards; run `dvc repro ingest`")
        self._shards: Sequence[npt.NDArray[np.int16]] = [_open_shard(path) for path in self._paths]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)]).tolist()
        self._unchecked = _read_checksums(folder, [path.name for path in self._paths])
        self._handed_out = 0  # bytes, since pages were given back

    def __len__(self) -> int:
        """Return the number of samples in all shards."""
        return int(self._starts[-1])

    def read(self, first_sample: int, n_samples: int) -> npt.NDArray[np.int16]:
        """Return a view of (n_samples,) within one clip.

        Raises:
            SamplesError: if the range leaves the store or a shard, so cannot be one clip's, or its shard is damaged.
        """
        index = self._shard_of(first_sample)
        start = first_sample - self._starts[index]
        if first_sample < 0 or index >= len(self._shards) or start + n_samples > len(self._shards[index]):
            raise SamplesError(
                f"samples {first_sample}..{first_sample + n_samples} do not lie within one shard, so clips.csv and the "
                "samples are not of one run; run `dvc repro ingest`"
            )
        if self._unchecked:
            self._check(index)
        self._handed_out += n_samples * 2
        if self._handed_out > RESIDENT_BYTES:
            self._give_back()
        return self._shards[index][start : start + n_samples]

    def _give_back(self) -> None:
        """Have no page of the maps count as this process's memory; views of them stay good, and read it anew."""
        self._handed_out = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            for shard in self._shards:
                if isinstance(shard.base, mmap.mmap):
                    shard.base.madvise(mmap.MADV_DONTNEED)

    def check(self, first_samples: Iterable[int]) -> None:
        """Check the shards in which clips begin at `first_samples`, on all cores, so that no damage is met later.

        Raises:
            SamplesError: if the samples of one are not those that ingest wrote.
        """
        wanted = {self._shard_of(first) for first in first_samples}
        shards = [index for index, path in enumerate(self._paths) if index in wanted and path.name in self._unchecked]
        with worker_pool("threads") if len(shards) > 1 else contextlib.nullcontext() as pool:
            for _ in map_in_order(pool, self._check, shards, "checking samples", "shards"):
                pass

    def _shard_of(self, first_sample: int) -> int:
        """Return the index of the shard that has a sample, or of none."""
        return bisect.bisect_right(self._starts, first_sample) - 1

    def _check(self, index: int) -> None:
        path = self._paths[index]
        expected = self._unchecked.get(path.name)
        if expected is None:
            return
        with path.open("rb") as file:  # read, not mapped, so that the shard doesn't count as this process's memory
            file.seek(len(_header(0)))
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise SamplesError(
                f"{path} is damaged: the sha256 of its samples is {found[:12]}…, and ingest wrote {expected[:12]}…; {AGAIN}"
            )
        self._unchecked.pop(path.name, None)


def _read_checksums(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the sha256 of each shard's samples by its name.

    Raises:
        SamplesError: if they are missing or damaged, or are not of the shards `names`.
    """
    path = folder / CHECKSUMS
    try:
        content = read_json(path)
        shards = unseal(content, path)[0].get("shards") if isinstance(content, dict) and SEAL in content else None
    except FileNotFoundError as error:
        raise SamplesError(f"{path} is missing, so damage to the samples would not be noticed; {AGAIN}") from error
    except DamagedFileError as error:
        raise SamplesError(f"{error}; {AGAIN}") from error
    if not isinstance(shards, dict):
        raise SamplesError(f"{path} holds no sealed checksums of shards; {AGAIN}")
    if sorted(shards) != list(names):
        raise SamplesError(
            f"{folder} holds the shards {', '.join(names)}, and ingest wrote {', '.join(shards)}; {AGAIN}"
        )
    return shards


def _open_shard(path: Path) -> npt.NDArray[np.int16]:
    """Map one shard, whose header and size must be those that `SampleWriter` gives it.

    Raises:
        SamplesError: if they are not.
    """
    with path.open("rb") as file:
        header, size = file.read(len(_header(0))), path.stat().st_size
    samples = (size - len(header)) // 2
    if size % 2 or header != _header(samples):
        raise SamplesError(
            f"{path} is damaged: its header is not that of {samples} samples, which its {size} bytes would hold; {AGAIN}"
        )
    if not samples:
        return np.zeros(0, np.int16)
    return np.memmap(path, dtype="<i2", mode="r", offset=len(header), shape=(samples,))
