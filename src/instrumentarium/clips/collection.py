"""The clips of a split with their samples, targets and observed, read from the stages' tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.jsonfile import JsonError, read_json
from instrumentarium.tables.mapping import Meanings
from instrumentarium.tables.samplestore import SampleStore
from instrumentarium.tables.schemas import CLIPS, LABELS
from instrumentarium.tables.table import MissingTableError, TableError


class LeftoverError(UserError, ValueError):
    """Ingested corpora lie where they would be read, and the run at hand does not name them."""


def corpus_folders(folder: Path) -> list[Path]:
    """Return the folders of the ingested corpora in `folder`, by name.

    Raises:
        MissingTableError: if there is none.
    """
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not folders:
        raise MissingTableError(f"{folder} holds no ingested corpus; run `dvc repro ingest`")
    return folders


def check_corpora(folders: Sequence[Path], named: Sequence[str]) -> None:
    """Make sure that no corpus of an earlier run is read along: DVC leaves the outputs of stages that there are no more.

    Args:
        folders: of the ingested corpora.
        named: the parameter `corpora`.

    Raises:
        LeftoverError: naming each that `corpora` does not.
    """
    leftover = [path for path in folders if path.name not in named]
    if leftover:
        raise LeftoverError(
            f"{leftover[0].parent} holds {', '.join(path.name for path in leftover)}, which `corpora` in params.yaml does "
            f"not name: an earlier run left it there. Run `rm -r {' '.join(map(str, leftover))}` (DVC's cache keeps the "
            "content), or name it in `corpora`; then run `dvc repro` again"
        )


_MEANINGS: TypeAdapter[dict[str, list[str]]] = TypeAdapter(dict[str, list[str]])


def read_meanings(folders: Sequence[Path]) -> dict[str, Meanings]:
    """Return what the labels of those corpora mean that say it in their card.json, by corpus.

    Raises:
        TableError: if a card holds something else than labels and lists of names there.
    """
    found: dict[str, Meanings] = {}
    for folder in folders:
        path = folder / "card.json"
        try:
            content = read_json(path) if path.exists() else None
            if isinstance(content, Mapping) and "labels" in content:
                found[folder.name] = _MEANINGS.validate_python(content["labels"])
        except (JsonError, ValidationError) as error:
            raise TableError(f"{path} is no corpus's card: {error}; run `dvc repro ingest@{folder.name}`") from error
    return found


def read_clips(folders: Sequence[Path]) -> pd.DataFrame:
    """Return the clips of every corpus folder as one table, sorted by clip_id."""
    tables = [CLIPS.read(folder / "clips.csv") for folder in folders]
    return pd.concat(tables, ignore_index=True).sort_values("clip_id", ignore_index=True)


def read_labels(folders: Sequence[Path]) -> pd.DataFrame:
    """Return the labels of every corpus folder, each in its corpus's own, as one table, sorted by clip_id and label."""
    tables = [LABELS.read(folder / "labels.csv") for folder in folders]
    return pd.concat(tables, ignore_index=True).sort_values(["clip_id", "label"], ignore_index=True)


class Readable(Protocol):
    """Samples that can be read by position: a sample store, or an array in memory."""

    def read(self, first_sample: int, n_samples: int) -> npt.NDArray[np.int16]:
        """Return (n_samples,) from `first_sample`."""


@dataclass(frozen=True)
class ClipSamples:
    """The samples of a list of clips, wherever their corpora keep them."""

    clip_ids: tuple[str, ...]
    stores: tuple[Readable, ...]
    store_of: tuple[int, ...]
    first_sample: tuple[int, ...]
    n_samples: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clip_ids)

    def read(self, index: int) -> npt.NDArray[np.int16]:
        """Return the samples of the clip at `index`, (n_samples,), without copying them."""
        return self.stores[self.store_of[index]].read(self.first_sample[index], self.n_samples[index])

    def take(self, clip_ids: Iterable[str]) -> "ClipSamples":
        """Return the samples of some of these clips, in the order asked for, of the same stores.

        Raises:
            KeyError: if one is not among these clips.
        """
        at = {clip_id: index for index, clip_id in enumerate(self.clip_ids)}
        rows = [at[clip_id] for clip_id in clip_ids]
        return ClipSamples(
            clip_ids=tuple(self.clip_ids[row] for row in rows),
            stores=self.stores,
            store_of=tuple(self.store_of[row] for row in rows),
            first_sample=tuple(self.first_sample[row] for row in rows),
            n_samples=tuple(self.n_samples[row] for row in rows),
        )


def open_samples(clips: pd.DataFrame, folders: Sequence[Path]) -> ClipSamples:
    """Return the samples of `clips`, in their order; each folder is one corpus's, named for it.

    The shards that hold one of them are checked for damage, all before the first is read.

    Raises:
        MissingSamplesError: if a corpus has no samples.
        SamplesError: if a shard is damaged.
    """
    stores = {folder.name: SampleStore(folder / "samples") for folder in folders}
    places = {name: index for index, name in enumerate(stores)}
    for corpus, rows in clips.groupby("corpus"):
        stores[str(corpus)].check(rows["first_sample"])
    return ClipSamples(
        clip_ids=tuple(clips["clip_id"]),
        stores=tuple(stores.values()),
        store_of=tuple(places[corpus] for corpus in clips["corpus"]),
        first_sample=tuple(int(first) for first in clips["first_sample"]),
        n_samples=tuple(int(count) for count in clips["n_samples"]),
    )


def clips_of(clips: pd.DataFrame, split: pd.DataFrame, *parts: str) -> pd.DataFrame:
    """Return the clips that `split` puts into one of `parts`, sorted by clip_id; a clip may be in no split.

    Raises:
        TableError: if the split names a clip that is not among `clips`.
    """
    unknown = sorted(set(split["clip_id"]) - set(clips["clip_id"]))
    if unknown:
        raise TableError(
            f"the split names clips that no corpus has ({len(unknown)}, first {unknown[0]}); run `dvc repro split`"
        )
    chosen = set(split[split["split"].isin(parts)]["clip_id"])
    return clips[clips["clip_id"].isin(chosen)].sort_values("clip_id", ignore_index=True)
