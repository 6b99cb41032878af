"""The listing that a run keeps: every file once, in the order of its results; written and read as a stream.

A folder may change while a catalogue is worked through for days. What a shard holds must not: so the names are written
down first, and shard n is made of the n-th lot of them, whenever and wherever it is made.
"""

import csv
import hashlib
import sqlite3
import tempfile
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from instrumentarium.catalogue.bucket import SCHEME
from instrumentarium.catalogue.sources import PATH, read_listing
from instrumentarium.runtime.files import atomic_path

CACHE_KIB = 1 << 16
"""Of the names seen so far, what is held in memory: 64 MiB, some millions; the rest is on disk."""


@dataclass(frozen=True)
class Listing:
    """What a written listing holds."""

    files: int
    repeated: int  # names that came again, and were left out
    relative: bool  # whether a name means something else in another folder
    sha256: str  # of its bytes


@dataclass(frozen=True)
class Lot:
    """The files of one shard."""

    number: int
    names: tuple[str, ...]


def write_listing(names: Iterable[str], path: Path) -> Listing:
    """Write names as CSV, each once, and return what came of it."""
    files = repeated = 0
    relative = False
    with _seen(path.parent) as is_new, atomic_path(path, durable=True) as temporary:
        with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow([PATH])
            for name in names:
                if not is_new(name):
                    repeated += 1
                    continue
                writer.writerow([name])
                files += 1
                relative |= not name.startswith(("/", SCHEME))
        with temporary.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    return Listing(files, repeated, relative, sha256)


def read_lots(path: Path, size: int, done: Container[int]) -> Iterator[Lot]:
    """Yield the lots of `size` files of a listing that are not `done`, with their numbers; the last one may be smaller."""
    names, number = read_listing(path), 0
    while lot := tuple(islice(names, size)):
        if number not in done:
            yield Lot(number, lot)
        number += 1


@contextmanager
def _seen(folder: Path) -> Iterator["_Seen"]:
    """Yield what says of a name whether it is new; names are kept on disk, by a digest of 16 bytes."""
    with tempfile.TemporaryDirectory(prefix=".seen.", dir=folder) as place:
        database = sqlite3.connect(Path(place, "names"), isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            database.execute("CREATE TABLE seen (name BLOB PRIMARY KEY) WITHOUT ROWID")
            database.execute("BEGIN")
            yield _Seen(database)
        finally:
            database.close()


class _Seen:
    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def __call__(self, name: str) -> bool:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest()
        return self.database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1
