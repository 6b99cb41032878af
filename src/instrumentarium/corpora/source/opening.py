"""An archive, or the listing that stands in its place: a parser reads either by the same calls."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from instrumentarium.corpora.source.archives import OversizedError, ZipMembers, find_archive, stream_tar
from instrumentarium.corpora.source.unpacked import UnpackedMembers, listing_of, stream_unpacked


class Members(Protocol):
    """The files of an archive, by NFC name, in the order of their names; read one at a time."""

    def names(self) -> list[tuple[str, int]]:
        """Return (NFC name, its number) of every file, sorted."""

    def read(self, member: int, limit: int) -> bytes:
        """Return the bytes of the file with this number, at most `limit`."""

    def close(self) -> None:
        """Close what is open."""


def open_members(folder: Path, name: str, corpus: str) -> Members:
    """Open the zip archive `name` in `folder`, or the listing in its place.

    Raises:
        ArchiveError: if neither is there, or the archive is broken.
        TableError: if the listing is none.
    """
    listing = listing_of(folder, name)
    return (
        UnpackedMembers(listing, corpus) if listing.exists() else ZipMembers(find_archive(folder, name, corpus), corpus)
    )


def stream_members(
    folder: Path, name: str, corpus: str, wanted: Callable[[str], bool], limit: int
) -> Iterator[tuple[str, bytes | OversizedError]]:
    """Yield (NFC name, bytes) of every wanted file of the gzipped tar `name` in `folder`, or of the listing in its place.

    An archive's order is its own; a listing's is that of the names.

    Raises:
        ArchiveError: if neither is there, the archive is broken, or a listed file has changed.
        TableError: if the listing is none.
    """
    listing = listing_of(folder, name)
    if listing.exists():
        yield from stream_unpacked(listing, corpus, wanted, limit)
    else:
        yield from stream_tar(find_archive(folder, name, corpus), corpus, wanted, limit)
