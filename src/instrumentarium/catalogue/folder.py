"""The folder that a catalogue's results go into, and how each file comes to be in it exactly once.

| `run.json` | what decides the results: model, settings, listing; another run is refused |
| `listing.csv` | the files in order; shard n is made of the n-th lot |
| `predictions/part-00000000.parquet` | a shard's predictions; where this file is, the shard is complete |
| `rejected/part-00000000.parquet` | its files that could not be used, if there are any |

Workers write a shard's tables into `.staging`, under names that nothing else has. One process alone, which holds the lock,
moves them into place: the rejected first and the predictions last, so that a kill between the two leaves a shard that is
made again, never one half of it beside the other half of another try. A worker that outlives its run moves nothing.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.catalogue.errors import FolderError
from instrumentarium.catalogue.listing import write_listing
from instrumentarium.catalogue.tables import count_rows
from instrumentarium.runtime.files import sync, write_text_atomically
from instrumentarium.runtime.sealed import SEAL, DamagedFileError, read_json, sealed, unseal

RUN, LISTING, LOCK, STAGING = "run.json", "listing.csv", ".lock", ".staging"
PREDICTIONS, REJECTED = "predictions", "rejected"
BEFORE_RUN = {LISTING, LOCK, STAGING}
"""What a run that was cut off before it began may have left."""
SHARD_FILES = 256
"""Most files a shard, unless the user says otherwise: minutes of work, which is what a kill costs."""
SHARDS_A_WORKER = 8
"""At least so many shards for each worker, so that a small catalogue keeps all of them busy to the end."""
_PART = re.compile(r"part-(\d{8,})\.parquet")


@dataclass(frozen=True)
class Staged:
    """A shard's tables, written and not yet in place."""

    number: int
    predictions: Path
    rejected: Path | None  # None where every file could be used
    files: int


@dataclass(frozen=True)
class Plan:
    """What the folder's run is to do."""

    files: int
    shard_files: int
    done: frozenset[int]  # numbers of the shards that are complete
    repeated: int  # names that the listing had again

    @property
    def shards(self) -> int:
        """How many there are in all."""
        return -(-self.files // self.shard_files)

    @property
    def files_done(self) -> int:
        """Files of the shards that are complete."""
        rest = self.shards * self.shard_files - self.files if self.shards - 1 in self.done else 0
        return len(self.done) * self.shard_files - rest


def part_name(number: int) -> str:
    """Return the name of a shard's tables."""
    return f"part-{number:08d}.parquet"


class ResultFolder:
    """The folder, while this process holds its lock; see `open_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def listing(self) -> Path:
        """The listing of the run."""
        return self.path / LISTING

    @property
    def staging(self) -> Path:
        """Where workers write."""
        return self.path / STAGING

    def begin(
        self, run: Mapping[str, object], names: Iterable[str], shard_files: int | None = None, workers: int = 1
    ) -> Plan:
        """Begin the run, or go on with it, and return what there is to do.

        Args:
            run: what decides the results, by name, as JSON writes it.
            names: of the files; gone through once.
            shard_files: files a shard; by default those of the run that is there, or as many as suit a new one.
            workers: that are to share a new run's shards.

        Raises:
            FolderError: if the folder holds a run of something else, or no run and other files.
        """
        earlier = self._read_run()
        others = sorted({entry.name for entry in self.path.iterdir()} - BEFORE_RUN)
        if earlier is None and others:
            raise FolderError(
                f"{self.path} holds {others[0]}{' and more' if others[1:] else ''} and lacks {RUN}, so it is no "
                "catalogue's; name a new folder"
            )
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir()
        written = self.staging / LISTING
        listing = write_listing(names, written)
        asked = {**run, "files": listing.files, "listing_sha256": listing.sha256}
        asked["relative_to"] = os.getcwd() if listing.relative else None  # noqa: PTH109 - bytes may be no text
        if earlier is None:
            size = shard_files or max(1, min(SHARD_FILES, -(-listing.files // (SHARDS_A_WORKER * workers))))
            written.replace(self.listing)
            sync(self.path)
            write_text_atomically(self.path / RUN, _as_text({**asked, "shard_files": size}), durable=True)
        else:
            size = self._compare(earlier, asked, shard_files)
            written.unlink()
        done = self._tidy()
        return Plan(listing.files, size, frozenset(done), listing.repeated)

    def commit(self, staged: Staged) -> None:
        """Move a shard's tables into place, for good."""
        name = part_name(staged.number)
        if staged.rejected is not None:
            staged.rejected.replace(self.path / REJECTED / name)
            sync(self.path / REJECTED)
        staged.predictions.replace(self.path / PREDICTIONS / name)
        sync(self.path / PREDICTIONS)

    def rejected_files(self) -> int:
        """Return how many files could not be used, in all shards that are complete."""
        return sum(count_rows(path) for path in (self.path / REJECTED).glob("part-*.parquet"))

    def _read_run(self) -> dict[str, object] | None:
        path = self.path / RUN
        try:
            content = read_json(path)
            if not isinstance(content, Mapping) or SEAL not in content:
                raise FolderError(f"{path} is of something else; name a new folder")
            return unseal(content, path)[0]
        except FileNotFoundError:
            return None
        except DamagedFileError as error:
            raise FolderError(f"{error}; name a new folder, or put the file back as it was") from error

    def _compare(self, earlier: Mapping[str, object], asked: Mapping[str, object], shard_files: int | None) -> int:
        """Return the files a shard of the run that is there, if it is the one that is asked for."""
        size = earlier.get("shard_files")
        if not isinstance(size, int) or size < 1:
            raise FolderError(f"{self.path / RUN} does not say how many files a shard has; name a new folder")
        now = {**asked, "shard_files": shard_files or size}
        differing = [name for name in sorted({*now, *earlier}) if now.get(name) != earlier.get(name)]
        if not differing:
            return size
        if set(differing) <= {"files", "listing_sha256", "relative_to"}:
            if "relative_to" in differing:
                raise FolderError(
                    f"the names in {self.listing} are relative to {earlier.get('relative_to')}, and you are in "
                    f"{os.getcwd()}; run the same there, or name a new folder"  # noqa: PTH109
                )
            raise FolderError(
                f"{self.path} was begun with other files ({earlier.get('files')}, now {now['files']}); to go on with those "
                f"of the beginning, run the same with --listing {self.listing} alone; for others, name a new folder"
            )
        said = "; ".join(f"{name}: {_short(earlier.get(name))}, now {_short(now.get(name))}" for name in differing)
        raise FolderError(
            f"{self.path} was begun with another model or other options ({said}); give those, or name a new folder"
        )

    def _tidy(self) -> set[int]:
        """Return the numbers of the shards that are complete, and remove what runs that were cut off have left."""
        for folder in (PREDICTIONS, REJECTED):
            (self.path / folder).mkdir(exist_ok=True)
        done = {int(found[1]) for path in (self.path / PREDICTIONS).iterdir() if (found := _PART.fullmatch(path.name))}
        for path in (self.path / REJECTED).iterdir():
            if (found := _PART.fullmatch(path.name)) and int(found[1]) not in done:
                path.unlink()
        return done


def _as_text(content: Mapping[str, object]) -> str:
    return json.dumps(sealed(content), allow_nan=False, indent=2, sort_keys=True) + "\n"


def _short(value: object) -> str:
    """Return a value as a message shows it."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[ResultFolder]:
    """Yield the folder, made where it is missing, while no other process may write into it.

    Raises:
        FolderError: if another run writes into it now.
        NotADirectoryError: if it is a file.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; name a folder with --out")
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderError(f"another run writes into {path} now; wait for it, or name another folder") from error
        folder = ResultFolder(path)
        try:
            yield folder
        finally:
            shutil.rmtree(folder.staging, ignore_errors=True)
