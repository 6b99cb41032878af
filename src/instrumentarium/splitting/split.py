"""The whole of the split stage between its tables: merge, assign or take over, check, describe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from instrumentarium.clips.duplicates import merged_recordings
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import write_json
from instrumentarium.splitting.assignment import assigned_splits
from instrumentarium.splitting.describe import Metrics, describe_split
from instrumentarium.splitting.folds import validate_by_fold
from instrumentarium.splitting.frozen import frozen_file, read_frozen_split
from instrumentarium.splitting.leaks import check_leaks, find_leaks
from instrumentarium.splitting.params import SplitParams
from instrumentarium.splitting.plots import LevelsOf, Row, plot_rows
from instrumentarium.splitting.rules import SPLITS
from instrumentarium.tables.schemas import SPLIT
from instrumentarium.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class Split:
    """A split in which nothing straddles.

    Attributes:
        table: the content of data/split.csv.
        metrics: the content of metrics/split.json.
        plots: plot name (of plots/split/<name>.json) to rows.
    """

    table: pd.DataFrame
    metrics: Metrics
    plots: Mapping[str, list[Row]]

    def summary(self) -> str:
        """Return one line about the sizes."""
        sizes = self.table["split"].value_counts()
        parts = ", ".join(f"{sizes[part]} {part}" for part in SPLITS)
        return f"{len(self.table)} clips of {self.table['recording_id'].nunique()} recordings in; {parts} out"


def split_clips(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    duplicates: pd.DataFrame,
    params: SplitParams,
    seed: int,
    frozen_splits: Path,
    codes: Sequence[str],
    levels: LevelsOf,
) -> Split:
    """Split the clips by their corpora's rules, or as the file that `params.frozen` names.

    The order of rows does not matter; nothing is written.

    Args:
        clips: as tables.py has it, as the two others.
        labels: rows of observed pairs.
        duplicates: pairs of clips that hold the same audio.
        params: the section `split` of params.yaml.
        seed: any whole number.
        frozen_splits: the folder of splits made elsewhere; looked at only where `params.frozen` names a file.
        codes: of the instruments.
        levels: returns the level of each of some clips, (clips,), in dB of full scale; for a plot only.

    Raises:
        SplitError: if the clips cannot be split as asked, or recordings or duplicates would straddle.
    """
    recordings = merged_recordings(clips, duplicates)
    if params.frozen is None:
        origin, frozen = "the split", None
        table = assigned_splits(clips, labels, recordings, params, seed, codes)
    else:
        path = frozen_file(frozen_splits, params.frozen)
        origin, frozen = str(path), {"file": path.name, "md5": md5_of_file(path)}
        table = read_frozen_split(path, clips, recordings)
        if params.fold is not None:
            table = validate_by_fold(table, clips, labels, codes, params.fold, seed)
    leaks = find_leaks(clips, table, duplicates)
    check_leaks(leaks, origin)
    metrics = describe_split(clips, labels, table, leaks, params, codes)
    return Split(table, {**metrics, "frozen": frozen}, plot_rows(clips, labels, table, codes, levels))


def write_split(split: Split, taxonomy: Taxonomy, table: Path, metrics: Path, plots: Path) -> None:
    """Write the table, the metrics, and one file a plot into the folder `plots`, by the instruments' names."""
    SPLIT.write(table, split.table)
    write_json(metrics, split.metrics)
    for name, rows in split.plots.items():
        write_json(plots / f"{name}.json", taxonomy.named(rows))
