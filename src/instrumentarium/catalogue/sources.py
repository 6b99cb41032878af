"""The names of a catalogue's files, one after the other: from folders, listing files and buckets; never all at a time.

A folder's files come folder by folder, each one's in the order of their names, so that what is held is one folder's names.
Names are text as `os.fsdecode` makes it of any bytes.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from instrumentarium.catalogue.bucket import SCHEME, names_below
from instrumentarium.catalogue.errors import ListingError
from instrumentarium.predicting.inputs import STDIN, SUFFIXES, NoAudioError, find_files, readable_name

PATH = "path"
"""The column of a listing in CSV that names the files; others are left alone."""


def is_audio_name(name: str) -> bool:
    """Return whether a folder or bucket is taken to hold audio under a name."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - millions of them


def find_names(words: Sequence[str], listing: Path | None = None) -> Iterator[str]:
    """Yield the files that `words` (files, folders, patterns, s3://bucket/folder) and a listing name.

    Raises:
        NoAudioError: if a folder holds no audio file, or a pattern fits none.
        ListingError: if the listing names none or is no text, or standard input is named.
        OSError: if a folder, the listing or the bucket cannot be read.
    """
    for word in words:
        yield from _names_of(word)
    if listing is not None:
        yield from _some(read_listing(listing), ListingError(f"{listing} names no file"))


def _names_of(word: str) -> Iterator[str]:
    looked_for = f"looked for {', '.join(sorted(SUFFIXES))}"
    if word == STDIN:
        raise ListingError("with --ray, files are named by paths or a listing; save standard input as a file first")
    if word.startswith(SCHEME):
        yield from _some(names_below(word, is_audio_name), NoAudioError(f"{word} has no audio below it; {looked_for}"))
    elif os.path.isdir(word):  # noqa: PTH112 - as in predicting/inputs.py: a name too long is that file's error
        name = readable_name(Path(word))
        yield from _some(_below(word), NoAudioError(f"{name} has no audio file below it; {looked_for}"))
    else:
        yield from map(str, find_files([word]))


def _some(names: Iterable[str], error: Exception) -> Iterator[str]:
    """Yield the names; raise the error if there is none."""
    empty = True
    for name in names:
        empty = False
        yield name
    if empty:
        raise error


def _below(folder: str) -> Iterator[str]:
    """Yield the audio files below a folder: its own first, then those of its folders; links to folders are not followed."""
    folders = []
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith("."):
                folders.append(entry.path)
        elif is_audio_name(entry.name):
            yield entry.path
    del found
    for path in folders:
        yield from _below(path)


def read_listing(path: Path) -> Iterator[str]:
    """Yield the names of a listing file: in CSV (`.csv`) the column `path`, in any other a name a line.

    Raises:
        ListingError: if a CSV file has no such column, or is no CSV.
        OSError: if the file cannot be read.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix.lower() != ".csv":
            for line in file:
                if name := line.rstrip("\r\n"):
                    yield name
            return
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            if PATH not in header:
                found = ", ".join(header) or "nothing"
                raise ListingError(f"{path} has no column `{PATH}`; its first line names {found}")
            column = header.index(PATH)
            for row in rows:
                if len(row) > column and row[column]:
                    yield row[column]
        except csv.Error as error:
            raise ListingError(f"{path}, line {rows.line_num}, is no CSV: {error}") from error
