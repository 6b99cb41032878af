"""The table of descriptors, a row a window: values as float32, whose window each row is, and how they were computed.

A folder of three files: `values.npy`, `windows.csv`, `card.json`.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from instrumentarium.clips.params import WindowsParams
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import staged, write_json
from instrumentarium.runtime.section import Section, read_section
from instrumentarium.tables.table import Number, Table, Text

WINDOWS = Table(
    name="windows",
    key=("clip_id", "start"),
    made_by="descriptors",
    columns={"clip_id": Text, "start": Number, "level_db": Annotated[float, Field(allow_inf_nan=False)]},
)
"""Where a window starts, in samples from its clip's beginning, and how loud it is."""
FILES = ("card.json", "values.npy", "windows.csv")
AGAIN = "run `dvc repro --force descriptors`"


class DescriptorsError(UserError, ValueError):
    """A folder that is no table of descriptors, or one of other clips."""


class DescriptorCard(Section):
    """How descriptors are computed, and of which windows: all that another window's row takes."""

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    windows: WindowsParams
    params: DescriptorParams
    columns: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


@dataclass(frozen=True)
class DescriptorTable:
    """Rows of descriptors.

    Attributes:
        card: how they were computed.
        windows: columns clip_id, start, level_db; sorted by the first two.
        values: (windows, columns).
    """

    card: DescriptorCard
    windows: pd.DataFrame
    values: npt.NDArray[np.float32]

    def write(self, folder: Path) -> None:
        """Write the folder's files, all of them or none."""
        content = io.BytesIO()  # to a file, NumPy would write past Python, and not say which way a full disk ended it
        np.save(content, self.values)
        with staged(folder, FILES) as staging:
            (staging / "values.npy").write_bytes(content.getbuffer())
            WINDOWS.write(staging / "windows.csv", self.windows)
            write_json(staging / "card.json", self.card.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: Path) -> "DescriptorTable":
        """Read a folder.

        Raises:
            ParamsError, MissingTableError, TableError: if a file is missing or holds something else.
            DescriptorsError: if the files are not of one run.
        """
        card = read_section(folder / "card.json", DescriptorCard)
        windows = WINDOWS.read(folder / "windows.csv")
        path = folder / "values.npy"
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DescriptorsError(f"{path} cannot be read ({error}); {AGAIN}") from error
        if values.dtype != np.float32 or values.shape != (len(windows), len(card.columns)):
            raise DescriptorsError(
                f"{path} holds {values.dtype} of shape {values.shape}, windows.csv and card.json are of "
                f"{len(windows)} windows and {len(card.columns)} columns; {AGAIN}"
            )
        if not np.isfinite(values).all():
            raise DescriptorsError(f"{path} holds numbers that are not finite; {AGAIN}")
        return cls(card, windows, values)

    def of_clips(self, clip_ids: Mapping[str, int]) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
        """Return the rows of these clips' windows, and the place of the clip that each is of, both (windows,).

        Args:
            clip_ids: clip to its place among the clips, rising as the ids do.

        Raises:
            DescriptorsError: if a clip has no window here.
        """
        places = self.windows["clip_id"].map(clip_ids)
        rows = np.flatnonzero(places.notna().to_numpy()).astype(np.int_)
        owners = places.iloc[rows].to_numpy().astype(np.int_)
        if missing := sorted(set(clip_ids.values()) - set(owners.tolist())):
            lost = sorted(clip for clip, place in clip_ids.items() if place in set(missing))
            raise DescriptorsError(f"{len(lost)} clips have no descriptors, first {lost[0]!r}; {AGAIN}")
        return rows, owners
