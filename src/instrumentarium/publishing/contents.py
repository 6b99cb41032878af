"""What a collection holds: its tables joined, and its counts by corpus, split and instrument."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from instrumentarium.publishing.material import Material
from instrumentarium.tables.schemas import CLIPS, DUPLICATES, REJECTED, SPLIT, resolved_labels_table
from instrumentarium.tables.table import Table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy

SPLITS = ("train", "validation", "test")
DESCRIBED = Table(
    name="clips",
    key=CLIPS.key,
    made_by="ingest",
    columns={name: kind for name, kind in CLIPS.columns.items() if name not in {"first_sample", "n_samples"}},
)
"""The clips without their places in the sample store, which only its owner has."""


@dataclass(frozen=True)
class Contents:
    """The tables of a collection; `clips` of all its corpora together."""

    taxonomy: Taxonomy
    clips: pd.DataFrame
    labels: pd.DataFrame
    split: pd.DataFrame
    rejected: dict[str, int]
    duplicates: int

    @cached_property
    def per_corpus(self) -> pd.DataFrame:
        """Return clips, recordings and hours of each corpus, and its clips in each split."""
        joined = self.clips.drop(columns="recording_id").merge(self.split, on="clip_id", validate="one_to_one")
        counts = joined.groupby("corpus").agg(
            clips=("clip_id", "size"), recordings=("recording_id", "nunique"), seconds=("duration_s", "sum")
        )
        parts = pd.crosstab(joined["corpus"], joined["split"]).reindex(columns=SPLITS, fill_value=0)
        return counts.join(parts).assign(hours=lambda frame: frame.pop("seconds") / 3600)

    @cached_property
    def per_instrument(self) -> pd.DataFrame:
        """Return for each instrument, in the taxonomy's order, the clips of each split that hold it (relevance ≥ 0.5)."""
        joined = self.labels.merge(self.split, on="clip_id", validate="many_to_one")
        present = joined[joined["relevance"] >= 0.5]
        table = pd.crosstab(present["instrument"], present["split"])
        return table.reindex(index=list(self.taxonomy.codes), columns=SPLITS, fill_value=0)

    @property
    def recordings(self) -> int:
        """Recordings after duplicates were merged."""
        return self.split["recording_id"].nunique()


def read_contents(workspace: Path, material: Material) -> Contents:
    """Read the tables of the repository `workspace`, whose run split the collection.

    Raises:
        MissingTableError, TableError, TaxonomyError: if one is missing or damaged.
    """
    data = workspace / "data"
    folders = {each.corpus: data / "clips" / material.collection / each.corpus for each in material.corpora}
    taxonomy = read_taxonomy(data / "taxonomy.json")
    clips = pd.concat([CLIPS.read(folder / "clips.csv") for folder in folders.values()])
    split = SPLIT.read(data / "split.csv")
    return Contents(
        taxonomy=taxonomy,
        clips=DESCRIBED.check(clips[list(DESCRIBED.columns)], "clips.csv of all corpora"),
        labels=resolved_labels_table(taxonomy).read(data / "labels.csv"),
        split=split,
        rejected={corpus: len(REJECTED.read(folder / "rejected.csv")) for corpus, folder in folders.items()},
        duplicates=len(DUPLICATES.read(data / "duplicates.csv")),
    )
