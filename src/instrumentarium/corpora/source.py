"""What every corpus module hands over: its card, its archives as data, and its clips one by one.

A corpus module holds, in this order, its dataset card, its archives with checksums, and `read_clips`, which walks the
archives in a folder and yields every clip once, or says why it cannot be used. Nothing is unpacked to disk.
"""

import contextlib
import csv
import gzip
import io
import lzma
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from instrumentarium.errors import UserError

Drums = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Archive:
    """One file of the publisher: where it lies and how it is verified (by md5, or, where there is none, by its content).

    `content_problem` says what is wrong with the content of a file, or None. `about_bytes` is roughly how large the file
    is, by which disk space is checked where the server does not tell.
    """

    name: str
    url: str
    md5: str | None
    content_problem: Callable[[Path], str | None] | None = None
    about_bytes: int = 0


@dataclass(frozen=True)
class Licence:
    """One licence: what of a corpus it covers, and what it forbids."""

    covers: str
    name: str
    url: str  # empty where each clip has its own
    forbids: str = ""


@dataclass(frozen=True)
class Card:
    """What a user must know of a corpus before using it."""

    corpus: str
    title: str
    page: str  # where the publisher describes it
    licences: tuple[Licence, ...]
    citation: str
    archives: tuple[Archive, ...]
    remark: str = ""  # on the licences: where to look for more


@dataclass(frozen=True)
class SourceClip:
    """One clip as its publisher describes it; `labels` holds observed instruments only, with relevance in [0, 1]."""

    path: str  # inside the archive, NFC
    data: bytes  # of the audio file
    recording: str  # the corpus's own name for the recording
    labels: Mapping[str, float]
    official_split: str
    genre: str = ""
    drums: Drums = "unknown"
    licence: str = ""  # under which this clip may be used; "unknown" where the publisher does not say


@dataclass(frozen=True)
class Rejection:
    """A member that cannot become a clip, and why."""

    path: str
    reason: str
    official_split: str = ""  # of a clip that has one all the same


Source = Iterator[SourceClip | Rejection]


class ArchiveError(UserError, ValueError):
    """An archive that is missing, broken off or not what its name says; the message says what to do."""


def nfc(name: str) -> str:
    """Return `name` in Unicode NFC: file names from macOS come decomposed."""
    return unicodedata.normalize("NFC", name)


def stem(path: str) -> str:
    """Return a member's path without its suffix."""
    return str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).suffix else path


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
