"""The rows of plots and the mappings of metrics, read from the stages' JSON files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.jsonfile import JsonError, read_json

Row = Mapping[str, str | int | float | None]
Rows = Sequence[Row]


class ReportInputError(UserError, ValueError):
    """A file that the report is made of does not hold what it should."""


class MissingReportInputError(UserError, FileNotFoundError):
    """A file that the report is made of has not been made yet."""


def _load(path: Path, made_by: str) -> object:
    try:
        return read_json(path)
    except FileNotFoundError as error:
        raise MissingReportInputError(f"{path} is missing; run `dvc repro {made_by}`") from error
    except JsonError as error:
        raise ReportInputError(f"{error}; run `dvc repro -f {made_by}`") from error


def read_mapping(path: Path, made_by: str) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        MissingReportInputError: if the file is missing; the message names the stage that makes it.
        ReportInputError: if it is not JSON, or no object.
    """
    content = _load(path, made_by)
    if not isinstance(content, dict):
        raise ReportInputError(f"{path} must hold an object, found {type(content).__name__}")
    return content


def read_list(path: Path, made_by: str) -> list[object]:
    """Read a JSON array; raises as `read_mapping` does."""
    content = _load(path, made_by)
    if not isinstance(content, list):
        raise ReportInputError(f"{path} must hold a list, found {type(content).__name__}")
    return content


def read_rows(path: Path, *, may_be_empty: bool = False) -> list[Row]:
    """Read the rows of a plot; they lie in a folder that bears the name of the stage.

    Args:
        path: plots/<stage>/<plot>.json.
        may_be_empty: whether there may be no row.

    Raises:
        MissingReportInputError: if the file is missing; the message names the stage that makes it.
        ReportInputError: if it is not JSON, or no list of rows.
    """
    content = _load(path, path.parent.name)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ReportInputError(f"{path} must hold a list of rows, each an object")
    if not content and not may_be_empty:
        raise ReportInputError(f"{path} must hold a list of rows, and at least one")
    return content


def need_columns(rows: Rows, words: Sequence[str], numbers: Sequence[str], source: str) -> None:
    """Check that every row has the columns that a figure draws, and numbers where it draws numbers; null is undefined.

    Raises:
        ReportInputError: naming the first row that lacks some, or the first value that is no number.
    """
    for place, row in enumerate(rows):
        missing = sorted({*words, *numbers} - set(row))
        if missing:
            raise ReportInputError(f"{source}: row {place} has no {', '.join(missing)}; it has {', '.join(row)}")
        for column in numbers:
            if isinstance(row[column], str | bool):
                raise ReportInputError(
                    f"{source}: column {column} must hold numbers, found {row[column]!r} in row {place}"
                )
