"""Reading zip and tar archives member by member; nothing is unpacked to disk."""

import contextlib
import csv
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from instrumentarium.corpora.source.members import nfc
from instrumentarium.runtime.errors import UserError


class ArchiveError(UserError, ValueError):
    """An archive that is missing, broken off or not what its name says; the message says what to do."""


def find_archive(folder: Path, name: str, corpus: str) -> Path:
    """Return the path of an archive in `folder`.

    Raises:
        ArchiveError: if it is not there.
    """
    path = folder / name
    if not path.exists():
        raise ArchiveError(f"{path} is missing; run `dvc repro download@{corpus}`")
    return path


def read_table(data: bytes, name: str, columns: Sequence[str]) -> list[dict[str | None, str | None]]:
    """Return the rows of a CSV table that has a header, by column; a value that its row lacks is None.

    What a row has beyond the header stands under None.

    Raises:
        ArchiveError: if it is not CSV in UTF-8, or lacks one of `columns`.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))  # a comment may be longer than the usual 128 KB
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        found = list(rows.fieldnames or ())
        if not set(found) >= set(columns):
            raise ArchiveError(f"{name} must have the columns {', '.join(columns)}; found {found}")
        return list(rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"{name} is no CSV table in UTF-8 ({error}); it is not the published one") from error


_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)
"""What the readers of zip and tar files raise over wrong bytes: of the format, or of what they took them for."""


def _broken(path: Path, corpus: str, cause: Exception) -> ArchiveError:
    return ArchiveError(
        f"{path} is truncated or corrupt ({cause}); remove it and run `dvc repro --force --single-item download@{corpus}`"
    )


_SAYS_UTF_8 = 0x800
"""The flag of a zip member whose name is in UTF-8; without it, zipfile takes it for code page 437 (APPNOTE.TXT, D.1)."""


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Return a member's name, in UTF-8 where its bytes are that, flag or no flag.

    Programs on macOS write UTF-8 and don't say so, and the loader mirdata met it in IRMAS (its issue 306). Text in code
    page 437 with a letter beyond ASCII is hardly ever UTF-8 by chance.
    """
    if not info.flag_bits & _SAYS_UTF_8:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


@dataclass
class ZipMembers:
    """The files of a zip archive, by NFC name, in the order of their names; read one at a time."""

    path: Path
    corpus: str
    _file: zipfile.ZipFile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the archive.

        Raises:
            ArchiveError: if it is no zip file or broken off.
        """
        try:
            self._file = zipfile.ZipFile(self.path)
        except _DAMAGE as error:
            raise _broken(self.path, self.corpus, error) from error

    def names(self) -> list[tuple[str, zipfile.ZipInfo]]:
        """Return (NFC name, member) of every file, sorted; a name that occurs twice is there twice."""
        members = [(nfc(_name_in_zip(info)), info) for info in self._file.infolist() if not info.is_dir()]
        return sorted(members, key=lambda member: (member[0], member[1].header_offset))

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """Return one member's bytes, its checksum verified.

        Raises:
            ArchiveError: if the archive is broken there.
        """
        try:
            return self._file.read(member)
        except _DAMAGE as error:
            raise _broken(self.path, self.corpus, error) from error

    def close(self) -> None:
        """Close the archive."""
        self._file.close()


def stream_tar(path: Path, corpus: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield (NFC name, bytes) of every wanted file of a gzipped tar, in the archive's order.

    gzip has one checksum, at its end: a reader that stops earlier has bytes that nobody has verified.

    Raises:
        ArchiveError: if the archive is no gzipped tar or broken off.
    """
    try:
        # not tarfile's own "r|gz", which passes over the checksum and takes some broken-off archives for short ones
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = nfc(member.name)
                if member.isfile() and wanted(name):
                    file = archive.extractfile(member)
                    assert file is not None
                    data = file.read()
                    if len(data) < member.size:
                        raise EOFError(f"{name} breaks off")
                    yield name, data
            while stream.read(2**20):
                pass  # to the end, where the checksum stands
    except _DAMAGE as error:
        raise _broken(path, corpus, error) from error
