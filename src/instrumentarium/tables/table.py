"""The tables that stages hand to one another: what a contract is, how a table is checked, written and read.

A table is a CSV file, checked when it is written *and* when it is read, and sorted by its key, so that equal content has
equal bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path

Text = Annotated[str, Field(min_length=1)]
LARGEST = 2**63 - 1
"""What a column of whole numbers can hold."""
Number = Annotated[int, Field(ge=0, le=LARGEST)]
Counted = Annotated[int, Field(ge=1, le=LARGEST)]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TableError(UserError, ValueError):
    """A table breaks its contract; the message names the file, the row, the column and what was found."""


class MissingTableError(UserError, FileNotFoundError):
    """A table that its stage has not made yet."""


@dataclass(frozen=True)
class Table:
    """A contract: the columns with their allowed values, and the columns whose values together name a row."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Any]
    made_by: str

    @cached_property
    def _rows(self) -> TypeAdapter[list[Any]]:
        fields: dict[str, Any] = {column: (kind, ...) for column, kind in self.columns.items()}
        row = create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)
        return TypeAdapter(list[row])

    @cached_property
    def _dtypes(self) -> dict[str, str]:
        """Return the columns' types, which pandas cannot tell from a table without rows."""
        dtypes = {int: "int64", float: "float64"}
        return {column: dtypes.get(getattr(kind, "__origin__", kind), "str") for column, kind in self.columns.items()}

    def check(self, frame: pd.DataFrame, source: str) -> pd.DataFrame:
        """Return `frame` with typed columns in the contract's order, sorted by key.

        Raises:
            TableError: on a missing or unknown column, a value that is not allowed, or two rows with one key.
        """
        missing = [column for column in self.columns if column not in frame.columns]
        unknown = [str(column) for column in frame.columns if column not in self.columns]
        if missing or unknown:
            raise TableError(
                f"{source} is no {self.name} table: missing columns {missing}, unknown columns {unknown}; "
                f"it must have {', '.join(self.columns)}"
            )
        try:
            rows = self._rows.validate_python(frame.to_dict("records"))
        except ValidationError as error:
            first = error.errors()[0]
            row, column = (*first["loc"], "")[:2]
            name = "/".join(str(frame.iloc[int(row)][part]) for part in self.key)
            raise TableError(
                f"{source}: row {row} ({name}), column {column}: {first['msg']}, found {first['input']!r} "
                f"({error.error_count()} such mistakes)"
            ) from error
        typed = pd.DataFrame([dict(row) for row in rows], columns=list(self.columns)).astype(self._dtypes)
        duplicated = typed[typed.duplicated(list(self.key))]
        if len(duplicated):
            name = "/".join(str(duplicated.iloc[0][part]) for part in self.key)
            raise TableError(f"{source}: {len(duplicated)} rows repeat the key of an earlier row, first {name}")
        return typed.sort_values(list(self.key), kind="stable", ignore_index=True)

    def write(self, path: Path, frame: pd.DataFrame) -> None:
        """Check `frame` and write it to `path`, atomically."""
        checked = self.check(frame, str(path))
        with atomic_path(path) as temporary:
            checked.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")

    def read(self, path: Path) -> pd.DataFrame:
        """Read and check the table at `path`.

        Raises:
            MissingTableError: if it is missing; the message names the stage that makes it.
            TableError: if it breaks the contract.
        """
        if not path.exists():
            raise MissingTableError(f"{path} is missing; run `dvc repro {self.made_by}`")
        try:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8", lineterminator="\n")
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise TableError(f"{path} is not a CSV table: {error}; run `dvc repro {self.made_by}`") from error
        return self.check(frame, str(path))
