"""How well a listing's songs can be split into two parts: one line of JSON.

The listing is a CSV file with at least the columns `filename` and `labels`: codes joined by "-". A song is a file name
without its ending `-<number>.wav`. Printed are, of the two parts that the pipeline's own search finds, `ld` and `lpd` (the
larger of the two parts'), `prevalence_gap`, `fold_size_gap`, the `seconds` it took, and how many `clips` and `songs` there
are; docs/splits.md says what each means.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import pandas as pd
import typer

from instrumentarium.corpora.irmas.published import CODES
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.stage import run
from instrumentarium.splitting.distribution import balance
from instrumentarium.splitting.errors import listed
from instrumentarium.splitting.stratified import stratified_group_split
from instrumentarium.splitting.units import positive_labels, recording_units


class ListingError(UserError, ValueError):
    """The listing cannot be used; the message says what was found and what is expected."""


def read_listing(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return (clips, labels, songs) of a listing.

    Raises:
        ListingError: if the file is missing, is no CSV table, lacks a column, has no row, repeats a file, or has a name or
            a code that cannot be read.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ListingError(f"{path} does not exist") from error
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ListingError(f"{path} is not a CSV table: {error}") from error
    missing = [column for column in ("filename", "labels") if column not in table]
    if missing:
        raise ListingError(
            f"{path} has no column {' and no column '.join(missing)}; it has {', '.join(map(str, table.columns))}"
        )
    names, codes = table["filename"], table["labels"].str.split("-")
    problems = {
        "names that do not end in -<number>.wav": names[~names.str.fullmatch(r".+-\d+\.wav", flags=re.DOTALL)],
        "names that occur more than once": names[names.duplicated()],
        f"labels other than codes joined by '-' ({', '.join(CODES)})": table["labels"][
            ~codes.map(lambda found: bool(found) and set(found) <= set(CODES))
        ],
    }
    found = "".join(f"\n  {len(wrong)} {what}: {listed(list(wrong))}" for what, wrong in problems.items() if len(wrong))
    if found:
        raise ListingError(f"{path} is not a listing:{found}")
    songs = names.str.replace(r"-\d+\.wav$", "", regex=True)
    if songs.nunique() < 2:
        raise ListingError(f"{path} names {songs.nunique()} songs; there must be two to split")
    labels = pd.DataFrame({"clip_id": names, "instrument": codes}).explode("instrument").assign(relevance=1.0)
    return pd.DataFrame({"clip_id": names}), labels, songs


def main(
    listing: Annotated[Path, typer.Argument(help="CSV file with the columns filename and labels.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Of the search.", min=0)] = 0,
    share: Annotated[float, typer.Option(help="Of the clips, for the first part; above 0 and below 1.")] = 0.5,
) -> None:
    """Split a listing's songs into two parts, and print how alike they are as one line of JSON."""
    if not 0 < share < 1:
        raise ListingError(f"--share is {share:g}; it must be above 0 and below 1")
    clips, labels, songs = read_listing(listing)
    shares = (share, 1 - share)
    start = time.perf_counter()
    units = recording_units(clips, labels, songs, CODES)
    parts = stratified_group_split(units, shares, seed)
    seconds = time.perf_counter() - start
    part_of = parts[pd.Index(units.names).get_indexer(pd.Index(songs))].astype(np.int64)
    found = balance(positive_labels(clips, labels, CODES), part_of, shares)
    measured = {
        "ld": round(max(found.ld), 6),
        "lpd": round(max(found.lpd), 6),
        "prevalence_gap": round(found.prevalence_gap, 6),
        "fold_size_gap": round(found.fold_size_gap, 6),
        "seconds": round(seconds, 3),
        "clips": len(clips),
        "songs": len(units),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    run(main)
