"""A split that was made elsewhere: read from a file in the folder splits/, validated, never trusted."""

import unicodedata
from pathlib import Path

import pandas as pd

from instrumentarium.splitting.errors import SplitError, listed
from instrumentarium.splitting.rules import SPLITS

COLUMNS = ("clip_id", "split")


def frozen_file(folder: Path, name: str) -> Path:
    """Return the file that the parameter `split.frozen` names.

    Raises:
        SplitError: if it is not a plain name of a file in `folder`, with what there is.
    """
    present = sorted(path.name for path in folder.glob("*.csv")) if folder.is_dir() else []
    if name not in present:
        raise SplitError(
            f"split.frozen is {name!r}, but {folder} holds {', '.join(present) or 'no CSV file'}; "
            "put the file there and name it without its folder, or set split.frozen to null"
        )
    return folder / name


def read_frozen_split(path: Path, clips: pd.DataFrame, recordings: pd.Series) -> pd.DataFrame:
    """Return split.csv as the file at `path` has it, sorted by clip_id; whether anything straddles is still to be checked.

    Args:
        path: a CSV file in UTF-8 with the columns clip_id (in any Unicode form) and split, a row for every clip.
        clips: column clip_id.
        recordings: the recording of each clip after merging, indexed as `clips` is.

    Raises:
        SplitError: listing what was found: other columns, split names that do not exist, clips that are repeated,
            unknown or missing, splits without clips.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SplitError(f"{path} is not a CSV table: {error}") from error
    if sorted(table.columns) != sorted(COLUMNS):
        raise SplitError(f"{path} has the columns {', '.join(table.columns)}; it must have {', '.join(COLUMNS)}")
    table["clip_id"] = table["clip_id"].map(lambda clip_id: unicodedata.normalize("NFC", clip_id))
    _check(path, table, {str(clip_id) for clip_id in clips["clip_id"]})
    recording_of = dict(zip(clips["clip_id"], recordings[clips.index], strict=True))
    table = table.sort_values("clip_id", ignore_index=True)
    return table[list(COLUMNS)].assign(recording_id=table["clip_id"].map(recording_of))


def _check(path: Path, table: pd.DataFrame, expected: set[str]) -> None:
    given = table["clip_id"]
    names = set(table["split"])
    findings = {
        f"split names other than {', '.join(SPLITS)}": sorted(names - set(SPLITS)),
        "clips that occur more than once": sorted(set(given[given.duplicated()])),
        "clips that the corpora in use do not have": sorted(set(given) - expected),
        "clips of the corpora in use that the file leaves out": sorted(expected - set(given)),
        "splits without a clip": [name for name in SPLITS if name not in names],
    }
    found = "".join(f"\n  {len(items)} {what}: {listed(items)}" for what, items in findings.items() if items)
    if found:
        raise SplitError(f"{path} is not a split of these {len(expected)} clips:{found}")
