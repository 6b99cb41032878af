"""Systems side by side: each a table of scores in data/scores, named for its file."""

from pathlib import Path

import pandas as pd

from instrumentarium.tables.schemas import scores_table
from instrumentarium.tables.table import MissingTableError
from instrumentarium.tables.taxonomy import Taxonomy

MODEL = "model"
"""The system that the score stage makes."""


def read_systems(folder: Path, taxonomy: Taxonomy) -> dict[str, pd.DataFrame]:
    """Return the scores of every system, by name: those of each <system>.csv in `folder`.

    Raises:
        MissingTableError: if there are none of MODEL.
        TableError: if a file is no table of scores in these instruments.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    if MODEL not in paths:
        raise MissingTableError(f"{folder / MODEL}.csv is missing; run `dvc repro score`")
    contract = scores_table(taxonomy)
    return {name: contract.read(path) for name, path in paths.items()}
