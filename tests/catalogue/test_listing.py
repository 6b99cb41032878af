"""The names of a catalogue: every one once, in an order that repeats, whatever bytes it is made of, and as a stream."""

import csv
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrumentarium.catalogue.errors import ListingError
from instrumentarium.catalogue.listing import read_lots, write_listing
from instrumentarium.catalogue.sources import find_names, read_listing
from instrumentarium.predicting.inputs import NoAudioError

STRANGE = [
    'quote".wav',
    "comma,.wav",
    "line\nend.wav",
    "return\r.wav",
    "umlaut ü.wav",
    os.fsdecode(b"bytes \xff.wav"),
    " .wav",
]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_is_gone_through_folder_by_folder_in_the_order_of_names(tmp_path: Path):
    touch(tmp_path, "b/2.wav", "b/1.MP3", "a/x/1.flac", "z.ogg", "notes.txt", ".hidden.wav", ".hidden/1.wav", "a/3.wav")
    names = [os.path.relpath(name, tmp_path) for name in find_names([str(tmp_path)])]
    assert names == ["z.ogg", "a/3.wav", "a/x/1.flac", "b/1.MP3", "b/2.wav"]


def test_files_patterns_and_listings_are_named_together(tmp_path: Path):
    touch(tmp_path, "songs/1.wav", "songs/2.wav", "more/3.wav")
    listing = tmp_path / "more.txt"
    listing.write_text("gone.wav\r\n\r\nother name.wav\n")
    found = list(find_names([str(tmp_path / "songs/*.wav"), "any/file.bin"], listing))
    assert found == [
        *(str(tmp_path / "songs" / f"{n}.wav") for n in (1, 2)),
        "any/file.bin",
        "gone.wav",
        "other name.wav",
    ]


def test_a_listing_in_csv_has_its_column(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text('\ufeffid,path\n1,"a, b.wav"\n2,\n3,c.wav\n', encoding="utf-8")
    assert list(read_listing(path)) == ["a, b.wav", "c.wav"]
    path.write_text("id,file\n1,a.wav\n")
    with pytest.raises(ListingError, match="no column `path`; its first line names id, file"):
        list(read_listing(path))


def test_what_names_no_file_is_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    with pytest.raises(NoAudioError, match="no audio file below it"):
        list(find_names([str(tmp_path / "empty")]))
    with pytest.raises(ListingError, match=r"empty\.txt names no file"):
        list(find_names([], tmp_path / "empty.txt"))
    with pytest.raises(ListingError, match="standard input"):
        list(find_names(["-"]))


def test_a_written_listing_has_every_name_once_whatever_it_is_made_of(tmp_path: Path):
    path = tmp_path / "listing.csv"
    written = write_listing([*STRANGE, *reversed(STRANGE), "last.wav"], path)
    assert list(read_listing(path)) == [*STRANGE, "last.wav"]
    assert (written.files, written.repeated, written.relative) == (len(STRANGE) + 1, len(STRANGE), True)
    assert write_listing(read_listing(path), tmp_path / "again.csv").sha256 == written.sha256
    assert not write_listing(["/a.wav", "s3://bucket/b.wav"], tmp_path / "absolute.csv").relative
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["absolute.csv", "again.csv", "listing.csv"]


@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_lots_part_a_listing_whatever_is_done_already(tmp_path: Path, size: int):
    path, names = tmp_path / "listing.csv", [f"{n}.wav" for n in range(10)]
    write_listing(names, path)
    lots = list(read_lots(path, size, set()))
    assert [lot.number for lot in lots] == list(range(-(-10 // size)))
    assert [name for lot in lots for name in lot.names] == names
    done = {lot.number for lot in lots[::2]}
    assert list(read_lots(path, size, done)) == [lot for lot in lots if lot.number not in done]


def test_names_are_never_held_together(tmp_path: Path):
    count, path = 60_000, tmp_path / "listing.csv"

    def names() -> Iterator[str]:
        for number in range(count):
            yield f"/music/{'folder' * 20}/{number}.wav"

    tracemalloc.start()
    try:
        written = write_listing(names(), path)
        read = sum(len(lot.names) for lot in read_lots(path, 100, set()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == written.files == count
    assert path.stat().st_size > 8_000_000
    assert peak < 1_000_000


def test_spreadsheets_and_scripts_read_the_listing(tmp_path: Path):
    path = tmp_path / "listing.csv"
    write_listing(["a, b.wav"], path)
    assert list(csv.DictReader(path.open())) == [{"path": "a, b.wav"}]
