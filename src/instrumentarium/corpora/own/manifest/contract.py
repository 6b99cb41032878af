"""The manifest of own data: where each file lies, what it is, and, in a second table, what its owner says of it."""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.tables.table import Number, Table, Text, Unit

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
    },
)
OWN_LABELS = Table(
    name="labels",
    key=("path", "label"),
    made_by="download@own",
    columns={
        "path": Text,  # of the manifest
        "label": Text,  # as the user first spelled it, or EVERY_OTHER
        "relevance": Unit,  # 1 plays, 0 doesn't; what nobody knows has no row
    },
)
