"""Reading zip and tar archives member by member; nothing is unpacked to disk.

What a member unpacks to is bounded before it is: a few kilobytes of archive can hold gigabytes of zeros.
"""

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
from itertools import islice
from pathlib import Path
from typing import Self

from instrumentarium.corpora.source.members import nfc
from instrumentarium.runtime.errors import UserError


class ArchiveError(UserError, ValueError):
    """An archive that is missing, broken off or not what its name says; the message says what to do."""


class OversizedError(ArchiveError):
    """A member that unpacks to more than its kind can have; the message says to how much, and what the bound is."""


MIB = 2**20
AUDIO_BYTES = 32 * MIB
"""Of a clip's file: ten times the largest of IRMAS (20 s)."""
RECORDING_BYTES = 1024 * MIB
"""Of the file of a whole recording that is cut into clips: 45 minutes of stereo at 44.1 kHz in 32 bits."""
LABEL_BYTES = MIB
"""Of a text that names a clip's instruments; published ones have some ten bytes."""
TABLE_BYTES = 32 * MIB
"""Of a table; the largest published one, OpenMIC's metadata, has less than a third of it."""
TABLE_ROWS = 500_000
"""Of a table; OpenMIC's labels have 41,268."""
MEMBERS = 400_000
"""Of a tar archive or a folder; NSynth's largest has 289,206."""


def oversized(size: int, limit: int) -> OversizedError:
    """Return the error of a member that unpacks to `size` bytes where at most `limit` are read."""
    return OversizedError(f"it unpacks to {size / MIB:.0f} MiB; at most {limit // MIB} MiB are read of such a file")


def find_archive(folder: Path, name: str, corpus: str) -> Path:
    """Return the path of an archive in `folder`.

    Raises:
        ArchiveError: if it is not there.
    """
    path = folder / name
    if not path.exists():
        raise ArchiveError(f"{path} is missing; run `dvc repro download@{corpus}`")
    return path


def read_file(folder: Path, name: str, corpus: str, limit: int) -> bytes:
    """Return the content of a file that its publisher did not pack.

    Raises:
        ArchiveError: if it is missing, cannot be read, or has more than `limit` bytes.
    """
    path = find_archive(folder, name, corpus)
    try:
        size = path.stat().st_size
        if size > limit:
            raise ArchiveError(
                f"{path} is not the published one: it has {size / MIB:.0f} MiB, at most {limit // MIB} are read"
            )
        return path.read_bytes()
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}") from error


def read_table(data: bytes, name: str, columns: Sequence[str]) -> list[dict[str | None, str | None]]:
    """Return the rows of a CSV table that has a header, by column; a value that its row lacks is None.

    What a row has beyond the header stands under None.

    Raises:
        ArchiveError: if it is not CSV in UTF-8, lacks one of `columns`, or has more than TABLE_ROWS rows.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))  # a comment may be longer than the usual 128 KB
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        found = list(rows.fieldnames or ())
        if not set(found) >= set(columns):
            raise ArchiveError(f"{name} must have the columns {', '.join(columns)}; found {found}")
        table = list(islice(rows, TABLE_ROWS + 1))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"{name} is no CSV table in UTF-8 ({error}); it is not the published one") from error
    if len(table) > TABLE_ROWS:
        raise ArchiveError(f"{name} has more than {TABLE_ROWS} rows; it is not the published one")
    return table


_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)
"""What the readers of zip and tar files raise over wrong bytes: of the format, or of what they took them for."""


def _broken(path: Path, corpus: str, cause: Exception) -> ArchiveError:
    return ArchiveError(
        f"{path} is truncated or corrupt ({cause}); remove it and run `dvc repro --force --single-item download@{corpus}`"
    )


_BOUNDED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Ways of compression that zipfile unpacks piece by piece; of others it unpacks without a bound."""
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
    content: bytes | None = field(default=None, repr=False)
    """Of an archive in another one; `path` then says where."""
    _file: zipfile.ZipFile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the archive.

        Raises:
            ArchiveError: if it is no zip file or broken off.
        """
        try:
            self._file = zipfile.ZipFile(self.path if self.content is None else io.BytesIO(self.content))
        except _DAMAGE as error:
            raise _broken(self.path, self.corpus, error) from error

    def names(self) -> list[tuple[str, int]]:
        """Return (NFC name, its number) of every file, sorted; a name that occurs twice is there twice.

        Raises:
            ArchiveError: if a member has no name.
        """
        infos = self._file.infolist()
        if not all(info.filename for info in infos):
            raise _broken(self.path, self.corpus, ValueError("it has a member without a name"))
        members = [(nfc(_name_in_zip(info)), number) for number, info in enumerate(infos) if not info.is_dir()]
        return sorted(members, key=lambda member: (member[0], infos[member[1]].header_offset))

    def read(self, member: int, limit: int) -> bytes:
        """Return the bytes of the member with this number, its checksum verified.

        Raises:
            OversizedError: if they are more than `limit`.
            ArchiveError: if the archive is broken there.
        """
        info = self._file.infolist()[member]
        if info.file_size > limit:
            raise oversized(info.file_size, limit)
        try:
            if info.compress_type not in _BOUNDED:
                raise ValueError(f"{info.filename!r} is compressed in a way that published archives are not")
            with self._file.open(info) as file:
                return file.read(info.file_size + 1)  # and not all there is: the size it states may be wrong
        except _DAMAGE as error:
            raise _broken(self.path, self.corpus, error) from error

    def close(self) -> None:
        """Close the archive."""
        self._file.close()


class _BoundedTarInfo(tarfile.TarInfo):
    """A member's header; tarfile reads what extends one, as with a long name, whole, before anybody sees the member."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header.

        Raises:
            tarfile.ReadError: if it has an extension of more than LABEL_BYTES, or one without an end.
        """
        info = super().frombuf(buf, encoding, errors)
        if info.type == tarfile.GNUTYPE_SPARSE or (info.type in _EXTENSIONS and info.size > LABEL_BYTES):
            raise tarfile.ReadError(f"a member's header is extended by {info.size} bytes")
        return info


_EXTENSIONS = {
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
}


def stream_tar(
    path: Path, corpus: str, wanted: Callable[[str], bool], limit: int
) -> Iterator[tuple[str, bytes | OversizedError]]:
    """Yield (NFC name, bytes) of every wanted file of a gzipped tar, in the archive's order.

    In place of the bytes of a file that unpacks to more than `limit` stands why they are not there.

    gzip has one checksum, at its end: a reader that stops earlier has bytes that nobody has verified.

    Raises:
        ArchiveError: if the archive is no gzipped tar or broken off.
    """
    try:
        # not tarfile's own "r|gz", which passes over the checksum and takes some broken-off archives for short ones
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedTarInfo) as archive:
            for number, member in enumerate(archive):
                if number == MEMBERS:
                    raise ValueError(f"it has more than {MEMBERS} members")
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep all in memory
                if not member.name:
                    raise ValueError("it has a member without a name")
                name = nfc(member.name)
                if member.isfile() and wanted(name) and member.size > limit:
                    yield name, oversized(member.size, limit)
                elif member.isfile() and wanted(name):
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
