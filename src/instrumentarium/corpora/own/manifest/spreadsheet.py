"""The cells of a CSV file, whichever program wrote it.

Commas, semicolons or tabs separate, as the header shows; a byte order mark, any line ends, empty lines, and empty columns
at the right are taken in stride. The text must be UTF-8: other encodings can be guessed, and guessed wrongly.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.corpora.own.manifest.entry import OwnDataError, refuse
from instrumentarium.corpora.source.archives import MIB
from instrumentarium.tables.spelling import plain

TABLE_BYTES = 64 * MIB
"""Of a table: half a million rows; in memory it takes ten times as much."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    line: int  # in the file, the header being 1
    cells: tuple[str, ...]


def read_cells(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Return the header, as long as it names columns, and the rows that hold anything.

    Raises:
        OwnDataError: if the file has more than TABLE_BYTES, is no UTF-8 text, has no column `path`, no row, an unpaired
            quotation mark, or a row that is shorter or longer than the header.
    """
    with path.open("rb") as file:
        data = file.read(TABLE_BYTES + 1)
    if len(data) > TABLE_BYTES:
        raise OwnDataError(f"{path} has more than {TABLE_BYTES // MIB} MiB, too much for a table of files; is it one?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise OwnDataError(
            f"{path} is not UTF-8 (line {line}: {error.reason}); save it as CSV UTF-8: spreadsheets ask when they export"
        ) from error
    if "\0" in text:
        raise OwnDataError(f"{path} is no text file; save the table as CSV UTF-8")
    lines = [Row(line, cells) for line, cells in _parse(path, text)]
    filled = [row for row in lines if any(cell.strip() for cell in row.cells)]
    if len(filled) < 2:
        raise OwnDataError(f"{path} holds no rows; it needs a header with `path` and a row a file")
    header = filled[0].cells
    while (
        header and not header[-1].strip() and all(not "".join(row.cells[len(header) - 1 :]).strip() for row in filled)
    ):
        header = header[:-1]  # empty columns, which spreadsheets leave at the right
    mistakes = [
        f"line {row.line} has {len(row.cells)} cells, the header {len(header)}; quote cells that hold a separator"
        for row in filled
        if len(row.cells) < len(header) or any(cell.strip() for cell in row.cells[len(header) :])
    ]
    refuse(path, mistakes)
    return header, filled[1:]


def _parse(path: Path, text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line number, cells), with the separator that gives the header a column `path`."""
    first = text.lstrip().partition("\n")[0]
    separators = [mark for mark in ",;\t" if "path" in (plain(cell.strip('" \r')) for cell in first.split(mark))]
    if not separators:
        raise OwnDataError(f"{path} needs a column `path`, and its first line names none: {first.strip()[:200]!r}")
    mark = max(separators, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, tuple(cells)
    except csv.Error as error:
        raise OwnDataError(f"{path}, line {reader.line_num}: {error}; look for an unpaired quotation mark") from error
