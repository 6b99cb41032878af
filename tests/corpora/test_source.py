import gzip
import tarfile
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from instrumentarium.corpora.source import archives
from instrumentarium.corpora.source.archives import (
    MIB,
    ArchiveError,
    OversizedError,
    ZipMembers,
    find_archive,
    read_table,
    stream_tar,
)
from instrumentarium.corpora.source.members import nfc, stem

Writer = Callable[[Path, Iterable[tuple[str, bytes]]], Path]
MEMBERS = [(f"folder/Señor {number}.wav", np.random.default_rng(number).bytes(70)) for number in range(3)]


def read_zip(path: Path) -> list[tuple[str, bytes]]:
    archive = ZipMembers(path, "irmas")
    try:
        return [(name, archive.read(member, MIB)) for name, member in archive.names()]
    finally:
        archive.close()


def read_tgz(path: Path) -> list[tuple[str, bytes | OversizedError]]:
    return list(stream_tar(path, "openmic", lambda name: True, MIB))


def test_names_are_composed():
    decomposed = unicodedata.normalize("NFD", "Señor")
    assert nfc(decomposed) == "Señor" != decomposed


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.wav", "a/b"),
        ("a/[cel][cla]0058__1.wav", "a/[cel][cla]0058__1"),
        ("a/Mr. X, vol. 2-1.wav", "a/Mr. X, vol. 2-1"),
        ("a.b/c", "a.b/c"),
    ],
)
def test_a_stem_loses_the_last_suffix_alone(path: str, expected: str):
    assert stem(path) == expected


def test_a_missing_archive_says_which_stage_makes_it(tmp_path: Path):
    with pytest.raises(ArchiveError, match=r"x\.zip is missing; run `dvc repro download@irmas`"):
        find_archive(tmp_path, "x.zip", "irmas")


class Unflagged(zipfile.ZipInfo):
    """A member whose name is written in `encoding` without a word on it, as many programs do."""

    encoding = "utf-8"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode(self.encoding), self.flag_bits


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_utf_8_are_read_where_the_archive_does_not_say_so(tmp_path: Path, form: str):
    path, names = tmp_path / "a.zip", ["Señor 2-1.wav", "plain-1.wav", "Ö/曲-1.wav"]
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(Unflagged(unicodedata.normalize(form, name)), name.encode())
    assert all(not info.flag_bits for info in zipfile.ZipFile(path).infolist())
    assert read_zip(path) == [(name, name.encode()) for name in sorted(names)]


def test_names_in_the_code_page_of_old_zips_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, name = tmp_path / "a.zip", "Señor Größe-1.wav"
    monkeypatch.setattr(Unflagged, "encoding", "cp437")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(Unflagged(name), b"sound")
    assert read_zip(path) == [(name, b"sound")]


def test_zip_members_come_sorted_by_composed_name(tmp_path: Path, write_zip: Writer):
    names = ["b.wav", unicodedata.normalize("NFD", "é.wav"), "folder/", "a.wav"]
    path = write_zip(tmp_path / "x.zip", [(name, name.encode()) for name in names])
    assert [name for name, _ in read_zip(path)] == ["a.wav", "b.wav", "é.wav"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_there_twice(tmp_path: Path, write_zip: Writer):
    path = write_zip(tmp_path / "x.zip", [("a.wav", b"first"), ("b.wav", b"other"), ("a.wav", b"second")])
    assert read_zip(path) == [("a.wav", b"first"), ("a.wav", b"second"), ("b.wav", b"other")]


def test_a_tar_is_read_in_its_order_and_only_where_wanted(tmp_path: Path, write_tgz: Writer):
    names = ["b.ogg", unicodedata.normalize("NFD", "é.ogg"), "a.csv", "a.ogg"]
    path = write_tgz(tmp_path / "x.tgz", [(name, name.encode()) for name in names])
    found = list(stream_tar(path, "openmic", lambda name: name.endswith(".ogg"), MIB))
    assert [name for name, _ in found] == ["b.ogg", "é.ogg", "a.ogg"]
    assert found[0][1] == b"b.ogg"


def test_a_truncated_zip_is_refused_wherever_it_breaks_off(tmp_path: Path, write_zip: Writer):
    path = write_zip(tmp_path / "x.zip", MEMBERS)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ArchiveError, match=r"x\.zip is truncated or corrupt .*dvc repro --force .* download@irmas"):
            read_zip(path)


def test_a_truncated_tar_is_refused_wherever_it_breaks_off(tmp_path: Path, write_tgz: Writer):
    path = write_tgz(tmp_path / "x.tgz", MEMBERS)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ArchiveError, match=r"x\.tgz is truncated or corrupt .*download@openmic"):
            read_tgz(path)


def damaged(data: bytes, bit: int) -> Iterable[bytes]:
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        yield bytes(changed)


@pytest.mark.parametrize("bit", [2, 7])
def test_no_damage_of_a_zip_goes_unnoticed_into_a_member(tmp_path: Path, write_zip: Writer, bit: int):
    path = write_zip(tmp_path / "x.zip", MEMBERS)
    refused = 0
    for data in damaged(path.read_bytes(), bit):
        path.write_bytes(data)
        try:
            assert set(read_zip(path)) <= set(MEMBERS)
        except ArchiveError:
            refused += 1
    assert refused > len(data) / 2


def test_no_damage_of_a_tar_goes_unnoticed(tmp_path: Path, write_tgz: Writer):
    path = write_tgz(tmp_path / "x.tgz", MEMBERS)
    refused = 0
    for data in damaged(path.read_bytes(), 2):
        path.write_bytes(data)
        try:
            assert read_tgz(path) == MEMBERS
        except ArchiveError:
            refused += 1
    assert refused > 0.9 * len(data)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "x").write_bytes(content)
    for read in (read_zip, read_tgz):
        with pytest.raises(ArchiveError, match="is truncated or corrupt"):
            read(tmp_path / "x")


ZEROS = bytes(64 * MIB)
BOUND = 8 * MIB
"""Of memory, while 64 MiB of zeros are refused: what zlib and tarfile take for themselves is far less."""


def peak_of(work: Callable[[], object]) -> int:
    """Return the most memory that Python's objects took at a time during `work`."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def packed(path: Path, *, states: int | None = None, way: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip archive of 64 MiB of zeros in a few kilobytes, which may state another size."""
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("a.wav", ZEROS)
    assert path.stat().st_size < MIB
    if states is not None:
        size, data = len(ZEROS).to_bytes(4, "little"), path.read_bytes()
        assert data.count(size) == 2  # in the member's own header, and in the directory
        path.write_bytes(data.replace(size, states.to_bytes(4, "little")))
    return path


@pytest.mark.parametrize(
    ("states", "way", "message"),
    [
        (None, zipfile.ZIP_DEFLATED, "it unpacks to 64 MiB; at most 1 MiB are read of such a file"),
        (1000, zipfile.ZIP_DEFLATED, r"a\.zip is truncated or corrupt \(Bad CRC-32"),
        (0, zipfile.ZIP_DEFLATED, r"a\.zip is truncated or corrupt \(Bad CRC-32"),
        (1000, zipfile.ZIP_BZIP2, "compressed in a way that published archives are not"),
        (1000, zipfile.ZIP_LZMA, "compressed in a way that published archives are not"),
    ],
)
def test_a_zip_member_that_unpacks_beyond_bounds_is_refused_before_it_is_unpacked(
    tmp_path: Path, states: int | None, way: int, message: str
):
    path = packed(tmp_path / "a.zip", states=states, way=way)

    def read() -> None:
        with pytest.raises(ArchiveError, match=message):
            read_zip(path)

    assert peak_of(read) < BOUND


def test_a_tar_member_that_unpacks_beyond_bounds_is_passed_over_with_the_reason(tmp_path: Path, write_tgz: Writer):
    path = write_tgz(tmp_path / "a.tgz", [("a", b"a"), ("bomb", ZEROS), ("b", b"b")])
    found: list[tuple[str, bytes | OversizedError]] = []
    assert peak_of(lambda: found.extend(read_tgz(path))) < BOUND
    assert [found[0], found[2]] == [("a", b"a"), ("b", b"b")]
    assert found[1][0] == "bomb"
    assert str(found[1][1]) == "it unpacks to 64 MiB; at most 1 MiB are read of such a file"


@pytest.mark.parametrize(
    "kind",
    [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE],
)
def test_a_tar_header_that_is_extended_beyond_bounds_is_refused(tmp_path: Path, kind: bytes):
    path = tmp_path / "a.tgz"
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, len(ZEROS)
    with gzip.open(path, "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT) + ZEROS)

    def read() -> None:
        with pytest.raises(ArchiveError, match=r"a\.tgz is truncated or corrupt \(a member's header is extended by"):
            read_tgz(path)

    assert peak_of(read) < BOUND


def test_a_tar_of_endless_members_is_refused(tmp_path: Path, write_tgz: Writer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "MEMBERS", 3)
    three = [(f"{number}", b"") for number in range(3)]
    assert len(read_tgz(write_tgz(tmp_path / "a.tgz", three))) == 3
    path = write_tgz(tmp_path / "a.tgz", [*three, ("3", b"")])
    with pytest.raises(ArchiveError, match="more than 3 members"):
        read_tgz(path)


def test_a_table_of_endless_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "TABLE_ROWS", 3)
    assert len(read_table(b"a\n" + b"1\n" * 3, "t.csv", ["a"])) == 3
    with pytest.raises(ArchiveError, match=r"t\.csv has more than 3 rows"):
        read_table(b"a\n" + b"1\n" * 4, "t.csv", ["a"])


def test_a_member_without_a_name_is_refused(tmp_path: Path, write_zip: Writer, write_tgz: Writer):
    path = write_zip(tmp_path / "a.zip", [("a.wav", b"a"), ("", b"b")])
    with pytest.raises(ArchiveError, match=r"a\.zip is truncated or corrupt \(it has a member without a name\)"):
        read_zip(path)
    path = write_tgz(tmp_path / "a.tgz", [("a.ogg", b"a"), ("", b"b")])
    with pytest.raises(ArchiveError, match=r"a\.tgz is truncated or corrupt \(it has a member without a name\)"):
        read_tgz(path)


def test_a_name_that_is_no_utf_8_becomes_one_that_a_table_can_hold(tmp_path: Path, write_tgz: Writer):
    path = write_tgz(tmp_path / "a.tgz", [("f\udcff.ogg", b"a")])
    assert read_tgz(path) == [("f\ufffd.ogg", b"a")]
