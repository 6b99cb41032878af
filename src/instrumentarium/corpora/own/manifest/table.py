"""Own data as a CSV table: `path`, and either `labels` or a column an instrument; `recording` and `split` if known.

Paths start from the table's folder.
"""

import contextlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from instrumentarium.corpora.own.manifest.entry import Entry, OwnDataError, Split, refuse
from instrumentarium.corpora.own.manifest.names import NOTHING_PLAYS, InstrumentNameError, labels_from, nearest, spelled
from instrumentarium.corpora.own.manifest.spreadsheet import Row, read_cells
from instrumentarium.corpora.own.params import Absent
from instrumentarium.corpora.source.members import nfc
from instrumentarium.tables.schemas import EVERY_OTHER
from instrumentarium.tables.spelling import plain

SUFFIXES = frozenset((".csv", ".tsv"))
OWN_COLUMNS = ("path", "labels", "recording", "split")
SPLITS = tuple(split for split in get_args(Split) if split)
_CELLS: Mapping[str, bool | None] = {"1": True, "1.0": True, "0": False, "0.0": False, "": None}
"""What a cell below an instrument may hold; spreadsheets write 1.0 where other cells of the column are empty."""
_TYPING_ERROR = 0.8
"""From this likeness on a column that nobody knows is a known one misspelt, rather than a note."""


class _RowError(Exception):
    """What is wrong in one row, one argument a mistake; reported together with those of the other rows."""


@dataclass(frozen=True)
class Columns:
    """Where a table has what."""

    own: Mapping[str, int]  # of OWN_COLUMNS, those that are there
    instruments: Mapping[str, int]  # by the name at its head

    def cell(self, row: Row, name: str) -> str:
        """Return the stripped cell of one of OWN_COLUMNS; empty if the table has no such column."""
        return row.cells[self.own[name]].strip() if name in self.own else ""


def entries_of_table(path: Path, absent: Absent) -> list[Entry]:
    """Return every row of the table at `path`, with paths as the file system has them.

    A file that is not there gets a reason. Rows of one recording that state no split follow those that do.

    Raises:
        OwnDataError: if the table cannot be read, lacks a column, holds a cell that is not
            allowed, names a file twice or puts a recording into two splits; or if none of its files is there.
    """
    header, rows = read_cells(path)
    columns = _columns(path, header, rows)
    entries: list[Entry] = []
    mistakes: list[str] = []
    lines: dict[str, int] = {}
    for row in rows:
        where = f"line {row.line}"
        try:
            entry = _entry(path.parent, row, columns, absent)
        except _RowError as error:
            mistakes += [f"{where}: {text}" for text in error.args]
            continue
        first = lines.setdefault(_place(path.parent, entry.path), row.line)
        if first != row.line:
            mistakes.append(f"{where}: {entry.path} stands in line {first} already; keep one of them")
        entries.append(entry)
    refuse(path, mistakes)
    if all(entry.reason for entry in entries):
        raise OwnDataError(
            f"{path}: none of its {len(entries)} files is there, first {entries[0].path}; paths start from the table's "
            f"folder, {path.parent.absolute()}"
        )
    return _with_one_split_a_recording(path, entries)


def _columns(path: Path, header: tuple[str, ...], rows: list[Row]) -> Columns:
    names = [plain(name) for name in header]
    own = {name: index for index, name in enumerate(names) if name in OWN_COLUMNS}
    listed = _names_listed(rows, own["labels"]) if "labels" in own else set()
    instruments: dict[str, int] = {}
    mistakes = [
        f"column {name!r} stands {count} times; a column has one place, an instrument one column"
        for name, count in Counter(names).items()
        if count > 1 and name
    ]
    for index, name in enumerate(names):
        if name in own:
            continue
        meant = nearest(name, OWN_COLUMNS, _TYPING_ERROR)
        if not name:
            mistakes.append(f"column {index + 1} has no name")
        elif _says_what_plays(rows, index) and ("labels" not in own or name in listed):
            if name in NOTHING_PLAYS or name == EVERY_OTHER:
                mistakes.append(f"column {header[index]!r} cannot be an instrument's; leave it out")
            instruments[spelled(header[index])] = index
        elif meant:
            mistakes.append(f"unknown column {header[index]!r}; did you mean {meant!r}? Rename it, if it is but a note")
    if "labels" in own and instruments:
        mistakes.append(
            f"it has a column `labels` and columns for instruments ({', '.join(instruments)}); keep one of the two"
        )
    if "labels" not in own and not instruments:
        mistakes.append(
            "it needs a column `labels`, or a column an instrument, with 1 where it plays and 0 where it doesn't; "
            f"found {', '.join(filter(None, names))}"
        )
    refuse(path, mistakes)
    return Columns(own, instruments)


def _says_what_plays(rows: list[Row], index: int) -> bool:
    """Say whether a column is an instrument's: at least half of what stands in it is 1 or 0."""
    cells = [cell for row in rows if (cell := row.cells[index].strip())]
    return bool(cells) and 2 * sum(cell in _CELLS for cell in cells) >= len(cells)


def _names_listed(rows: list[Row], index: int) -> set[str]:
    """Return what the column `labels` names, as names are compared."""
    names: set[str] = set()
    for row in rows:
        with contextlib.suppress(InstrumentNameError):
            names.update(plain(label) for label in labels_from(row.cells[index], "unobserved"))
    return names


def _entry(folder: Path, row: Row, columns: Columns, absent: Absent) -> Entry:
    """Return one row.

    Raises:
        _RowError: if anything is wrong in it.
    """
    mistakes: list[str] = []
    written = row.cells[columns.own["path"]]
    if not written.strip():
        mistakes.append("its path is empty")
    split = columns.cell(row, "split").casefold()
    if split and split not in SPLITS:
        mistakes.append(f"split is {split!r}; allowed: {', '.join(SPLITS)}, or empty: the pipeline chooses")
    labels: dict[str, bool] = {}
    try:
        labels = labels_from(columns.cell(row, "labels"), absent) if "labels" in columns.own else {}
    except InstrumentNameError as error:
        mistakes.append(str(error))
    for name, index in columns.instruments.items():
        cell = row.cells[index].strip()
        if cell not in _CELLS:
            mistakes.append(f"{name} is {cell!r}; allowed: 1 (plays), 0 (doesn't), or empty (nobody knows)")
        elif (plays := _CELLS[cell]) is not None:
            labels[name] = plays
    if mistakes:
        raise _RowError(*mistakes)
    path, reason = _locate(folder, written)
    return Entry(path, labels, nfc(columns.cell(row, "recording")), cast("Split", split), reason)


def _locate(folder: Path, written: str) -> tuple[str, str]:
    """Return the path of a file as the file system has it, and a reason if it cannot be found.

    Tables travel: a name may be in the other Unicode form than on the disk, and have the separators of another system.
    """
    slashed = written.strip().replace("\\", "/")
    spellings = [written.strip(), written, slashed, *(unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))]
    reason = "the file is missing"
    for spelling in dict.fromkeys(spellings):
        path = _from(folder, spelling)
        try:
            if (folder / path).is_file():
                return path.as_posix(), ""
            if (folder / path).is_dir():
                reason = "it is a folder, not a file"
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
    return _from(folder, spellings[0]).as_posix(), reason


def _from(folder: Path, path: str) -> Path:
    """Return `path` without detours, from `folder` if it is absolute and leads below it."""
    direct, top = Path(os.path.normpath(path)), folder.absolute()
    return direct.relative_to(top) if direct.is_relative_to(top) else direct


def _place(folder: Path, path: str) -> str:
    """Return the same for every path that leads from `folder` to one name in one folder.

    Two links to one file are two files: git-annex keeps all files of equal content so.
    """
    whole = folder / path
    return nfc(os.path.join(os.path.realpath(whole.parent), whole.name))  # noqa: PTH118


def _with_one_split_a_recording(path: Path, entries: list[Entry]) -> list[Entry]:
    """Let every row of a recording have the split that any of them states.

    Raises:
        OwnDataError: if they state two.
    """
    stated: dict[str, set[Split]] = {}
    for entry in entries:
        if entry.recording and entry.split:
            stated.setdefault(entry.recording, set()).add(entry.split)
    refuse(
        path,
        [
            f"recording {recording!r} is in {' and '.join(sorted(splits))}; a recording can be in one split only"
            for recording, splits in stated.items()
            if len(splits) > 1
        ],
    )
    return [
        replace(entry, split=next(iter(stated[entry.recording]))) if entry.recording in stated else entry
        for entry in entries
    ]
