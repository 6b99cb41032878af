"""Overrides: what a person, or a method that a person trusts, says of single labels in place of the corpus.

A CSV file in UTF-8 with the columns COLUMNS, one row a pair of clip and instrument, in any order. `relevance` is from 0
(does not play) to 1 (plays); an empty one says that nobody knows, so the pair takes part in no loss and no metric. `source`
says who or what it comes from, `note` why; both may be empty. People edit such files, so errors name lines.
"""

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_text_atomically

COLUMNS = ("clip_id", "instrument", "relevance", "source", "note")
_SHOWN = 20
"""Mistakes that a message lists."""


class OverrideError(UserError, ValueError):
    """A file of overrides cannot be used; the message names the file, the lines and what was found there."""


@dataclass(frozen=True)
class Override:
    """What is said of one pair of clip and instrument.

    Attributes:
        clip_id: of the clip, NFC.
        instrument: its code in the taxonomy of the run.
        relevance: from 0 to 1; None where nobody knows.
        source: who or what says so.
        note: why.
        line: where the file has it, 0 if it comes from no file; it does not count when overrides are compared.
    """

    clip_id: str
    instrument: str
    relevance: float | None
    source: str = ""
    note: str = ""
    line: int = field(default=0, compare=False)


def overrides_file(folder: Path, name: str) -> Path:
    """Return the file that the parameter `labels.overrides` names.

    Raises:
        OverrideError: if it is not a plain name of a CSV file in `folder`, with what there is.
    """
    present = sorted(path.name for path in folder.glob("*.csv")) if folder.is_dir() else []
    if name not in present:
        raise OverrideError(
            f"labels.overrides is {name!r}, but {folder} holds {', '.join(present) or 'no CSV file'}; "
            "put the file there and name it without its folder, or set labels.overrides to null"
        )
    return folder / name


def read_overrides(path: Path) -> tuple[Override, ...]:
    """Return the overrides of the file at `path`, sorted by clip and instrument.

    Raises:
        OverrideError: if the file is missing, is no CSV in UTF-8, lacks a column or has one too many; or listing the lines
            whose clip or instrument is empty, whose relevance is neither empty nor a number from 0 to 1, or whose pair an
            earlier line has already.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise OverrideError(f"{path} is missing") from error
    except UnicodeDecodeError as error:
        raise OverrideError(f"{path} is no text in UTF-8 (byte {error.start}); save it as CSV in UTF-8") from error
    found: dict[tuple[str, str], Override] = {}
    problems: list[str] = []
    try:
        for line, cells in _rows(path, text):
            override, problem = _parse(cells, line)
            earlier = None if override is None else found.setdefault((override.clip_id, override.instrument), override)
            if problem:
                problems.append(f"line {line}: {problem}")
            elif override is not None and earlier is not None and earlier is not override:
                problems.append(
                    f"line {line}: {override.clip_id!r}, {override.instrument!r} stands in line {earlier.line} already; "
                    "keep one row a pair"
                )
    except csv.Error as error:
        raise OverrideError(f"{path} is no CSV table: {error}") from error
    _refuse(path, problems)
    return tuple(sorted(found.values(), key=lambda override: (override.clip_id, override.instrument)))


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which a row ends and its cells, in the order of COLUMNS; empty lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    if sorted(header) != sorted(COLUMNS):
        raise OverrideError(
            f"{path} has the columns {', '.join(header) or '(none)'}; it must have {', '.join(COLUMNS)}"
        )
    order = [header.index(column) for column in COLUMNS]
    for cells in reader:
        if cells:
            yield reader.line_num, [cells[place] for place in order] if len(cells) == len(header) else cells


def _parse(cells: Sequence[str], line: int) -> tuple[Override | None, str]:
    """Return the override of a row, or None and what is wrong with it."""
    if len(cells) != len(COLUMNS):
        return None, f"has {len(cells)} cells where the header has {len(COLUMNS)}"
    clip_id, instrument, stated, source, note = cells
    for name, value in (("clip_id", clip_id), ("instrument", instrument)):
        if not value:
            return None, f"{name} is empty"
    relevance: float | None = None
    if stated.strip():
        try:
            relevance = float(stated)
        except ValueError:
            relevance = math.nan
        if not 0 <= relevance <= 1:  # NaN is neither
            return None, f"relevance must be a number from 0 to 1, or empty where nobody knows; found {stated!r}"
    return Override(unicodedata.normalize("NFC", clip_id), instrument, relevance, source, note, line), ""


def check_overrides(
    path: Path, overrides: Iterable[Override], clip_ids: AbstractSet[str], codes: Sequence[str]
) -> None:
    """Make sure that overrides fit the clips and the instruments of the run.

    Args:
        path: their file, for the message.
        overrides: to be checked.
        clip_ids: of all clips.
        codes: of the taxonomy's instruments.

    Raises:
        OverrideError: listing the lines that name a clip or an instrument that there is not.
    """
    problems = []
    for override in sorted(overrides, key=lambda each: each.line):
        if override.clip_id not in clip_ids:
            problems.append(f"line {override.line}: no corpus in use has the clip {override.clip_id!r}")
        if override.instrument not in codes:
            problems.append(
                f"line {override.line}: {override.instrument!r} is no instrument of the taxonomy ({', '.join(codes)})"
            )
    _refuse(path, problems)


def write_overrides(path: Path, overrides: Iterable[Override], *, durable: bool = False) -> None:
    """Write overrides to `path`, atomically, sorted by clip and instrument; `durable` as in `atomic_path`.

    Raises:
        OverrideError: if a relevance is outside [0, 1], a clip or instrument is empty, or a pair occurs twice.
    """
    rows = sorted(overrides, key=lambda override: (override.clip_id, override.instrument))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    problems, before = [], ("", "")
    for row in rows:
        stated = "" if row.relevance is None else repr(float(row.relevance))
        cells = [row.clip_id, row.instrument, stated, row.source, row.note]
        if problem := _parse(cells, 0)[1]:
            problems.append(f"{row.clip_id!r}, {row.instrument!r}: {problem}")
        elif (row.clip_id, row.instrument) == before:
            problems.append(f"{row.clip_id!r}, {row.instrument!r} occurs twice; keep one row a pair")
        before = row.clip_id, row.instrument
        writer.writerow(cells)
    _refuse(path, problems)
    write_text_atomically(path, text.getvalue(), durable=durable)


def _refuse(path: Path, problems: Sequence[str]) -> None:
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise OverrideError("\n  ".join([f"{path} cannot be used as it is:", *problems[:_SHOWN], *more]))
