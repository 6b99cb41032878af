"""The tables that stages hand to one another: their columns, keys and allowed values.

A table is a CSV file, checked when it is written *and* when it is read, and sorted by its key, so that equal content has
equal bytes. `clip_id` is `<corpus>/<path inside the archive without suffix>` in Unicode NFC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model

from instrumentarium.errors import UserError
from instrumentarium.files import atomic_path
from instrumentarium.taxonomy import CODES

Text = Annotated[str, Field(min_length=1)]
Number = Annotated[int, Field(ge=0)]
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


MANIFEST = Table(
    name="manifest",
    key=("path",),
    made_by="download@own",
    columns={
        "path": Text,  # from the folder of the user's data, NFC
        "file": Text,  # where it lies: an absolute path, one from the repository's root, or one from `~`
        "size": Number,  # bytes
        "md5": Annotated[str, Field(pattern=r"^(?:[0-9a-f]{32})?$")],  # empty where the file could not be read
        "recording": Text,
        "split": Literal["", "train", "validation", "test"],  # empty: the pipeline chooses
        "reason": str,  # why the file cannot become a clip; empty where nothing is known against it
        **dict.fromkeys(CODES, Literal["", "0", "1"]),  # 1 plays, 0 doesn't, empty: nobody knows
    },
)

CLIPS = Table(
    name="clips",
    key=("clip_id",),
    made_by="ingest",
    columns={
        "clip_id": Text,
        "corpus": Text,
        "recording_id": Text,  # <corpus>/<the corpus's own name for the recording>
        "path": Text,  # inside the archive, NFC
        "duration_s": Seconds,  # of the publisher's file
        "sample_rate_hz": Annotated[int, Field(ge=1)],  # of the publisher's file
        "channels": Annotated[int, Field(ge=1)],  # of the publisher's file
        "first_sample": Number,  # in the sample store
        "n_samples": Annotated[int, Field(ge=1)],  # in the sample store
        "official_split": Literal["", "train", "validation", "test", "fold1", "fold2", "fold3", "fold4", "fold5"],
        "genre": str,
        "drums": Literal["yes", "no", "unknown"],
        "licence": str,  # of this clip; "unknown" where its publisher does not say
        "pcm_hash": Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")],  # of the decoded samples, before resampling
    },
)

LABELS = Table(
    name="labels",
    key=("clip_id", "instrument"),
    made_by="ingest",
    columns={"clip_id": Text, "instrument": Literal[CODES], "relevance": Unit},
)

SETTLED_LABELS = replace(LABELS, made_by="duplicates")
"""Of all corpora together, after contradictions between duplicates have been settled."""

REJECTED = Table(name="rejected", key=("path",), made_by="ingest", columns={"path": Text, "reason": Text})

DUPLICATES = Table(
    name="duplicates",
    key=("clip_a", "clip_b"),
    made_by="duplicates",
    columns={
        "clip_a": Text,
        "clip_b": Text,  # after clip_a in alphabetical order
        "kind": Literal["exact", "fingerprint"],  # equal decoded samples; or the same recording, processed or moved
        "offset_s": Annotated[float, Field(allow_inf_nan=False)],  # of clip_b's beginning in clip_a
        "overlap_s": Seconds,  # how much audio the two share
        "matches": Number,  # landmarks that agree on the offset; 0 where equal samples made them unnecessary
        "contradiction": str,  # codes joined by "-" of which one clip says yes and the other no, though they sound alike
    },
)

SPLIT = Table(
    name="split",
    key=("clip_id",),
    made_by="split",
    columns={"clip_id": Text, "split": Literal["train", "validation", "test"], "recording_id": Text},
)

SCORES = Table(
    name="scores",
    key=("clip_id",),
    made_by="score",
    columns={"clip_id": Text, **dict.fromkeys(CODES, Unit)},
)
