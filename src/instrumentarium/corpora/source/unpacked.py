"""Archives that their user has unpacked: a listing stands in an archive's place, the files are read where they lie.

The listing, `<archive>.listing.csv`, holds the size and md5 of every file that a parser may ask for, so that the checkout
pins the content as an archive would: a file that has changed since is refused when it is read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from instrumentarium.corpora.source.archives import OversizedError, oversized
from instrumentarium.corpora.source.unchanged import read_unchanged
from instrumentarium.tables.table import Number, Table, Text

LISTING = Table(
    name="listing",
    key=("path",),
    made_by="download",
    columns={
        "path": Text,  # as in the archive, NFC
        "file": Text,  # where it lies: an absolute path, or one from `~`
        "size": Number,  # bytes
        "md5": Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")],
    },
)
SUFFIX = ".listing.csv"


def listing_of(folder: Path, archive: str) -> Path:
    """Return where the listing lies that stands in an archive's place."""
    return folder / f"{archive}{SUFFIX}"


def unpacked_archives(folder: Path) -> list[str]:
    """Return the names of the archives in whose places `folder` holds listings, sorted."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


@dataclass
class UnpackedMembers:
    """The files of a listing, by NFC name, in the order of their names, as `ZipMembers` has those of an archive."""

    path: Path
    corpus: str
    _rows: list[tuple[str, Path, int, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the listing.

        Raises:
            MissingTableError, TableError: if it is missing or is none.
        """
        rows = LISTING.read(self.path).itertuples(index=False)
        self._rows = [(str(row[0]), Path(str(row[1])).expanduser(), int(str(row[2])), str(row[3])) for row in rows]

    def names(self) -> list[tuple[str, int]]:
        """Return (NFC name, its number) of every file, sorted."""
        return [(row[0], number) for number, row in enumerate(self._rows)]

    def read(self, member: int, limit: int) -> bytes:
        """Return one file's bytes.

        Raises:
            OversizedError: if they are more than `limit`.
            ArchiveError: if the file cannot be read, or is no longer the one that was listed.
        """
        _, file, size, md5 = self._rows[member]
        if size > limit:
            raise oversized(size, limit)
        return read_unchanged(file, size, md5, self.corpus, "listing")

    def close(self) -> None:
        """Do nothing: no file is kept open."""


def stream_unpacked(
    path: Path, corpus: str, wanted: Callable[[str], bool], limit: int
) -> Iterator[tuple[str, bytes | OversizedError]]:
    """Yield (NFC name, bytes) of every wanted file of a listing, in the order of their names; see `stream_tar`.

    Raises:
        ArchiveError: if a file cannot be read, or is no longer the one that was listed.
    """
    members = UnpackedMembers(path, corpus)
    for name, member in members.names():
        if wanted(name):
            try:
                data: bytes | OversizedError = members.read(member, limit)
            except OversizedError as error:
                data = error
            yield name, data
