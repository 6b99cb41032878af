"""The tables that somebody else hands over: scores, labels, and what is known of the clips.

- *scores*: `clip_id` and one column an instrument, probabilities.
- *labels*: either long, `clip_id, instrument, relevance`, one row a known pair; or wide, `clip_id` and a column for each
  labelled instrument, an empty cell where nobody knows. A relevance above 0.5 is present, below absent, 0.5 unknown.
- *clips*: `clip_id` and any of `recording_id`, `split`, `corpus`, `genre`, `official_split`; other columns are not looked
  at.

The columns of the scores say which instruments there are. A known taxonomy, passed or that of the repository, has their
codes (`gac`) and names (`acoustic guitar`, `acoustic_guitar`, in any case). What it does not know goes by a code made of
its own name. Ids of clips are compared in Unicode NFC.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import closest
from instrumentarium.tables.spelling import code_from, plain
from instrumentarium.tables.taxonomy import Instrument, Taxonomy

Absent = Literal["unobserved", "negative"]
KNOWN_OF_CLIPS = ("recording_id", "split", "corpus", "genre", "group", "official_split")


class MeasuringError(UserError, ValueError):
    """A table cannot be used, or the tables do not fit together; the message says what was found and what to do."""


def read_scores(path: Path, known: Taxonomy | None = None, *, whole: bool = False) -> tuple[pd.DataFrame, Taxonomy]:
    """Return columns clip_id and one an instrument, sorted by clip, and the taxonomy of those instruments.

    Instruments that `known` has come first, in its order; then the others, in the order of the file.

    Args:
        path: of the table.
        known: a taxonomy that may know the instruments.
        whole: whether the instruments must be exactly those of `known`.

    Raises:
        MeasuringError: if the file is no such table: a column is missing, unknown or doubled, a clip occurs twice, or a
            score is missing, no number, or outside [0, 1].
    """
    table = _read(path)
    names = [column for column in table.columns if column != "clip_id"]
    if not names:
        raise MeasuringError(f"{path} has no column but clip_id; scores have one column an instrument")
    codes = _codes(known)
    columns = {name: codes.get(plain(name)) or code_from(name) for name in names}
    taxonomy = _taxonomy_of(columns, known)
    if whole and known is not None:
        _check_names([name for name in names if plain(name) not in codes], path, "columns for", known)
        missing = [code for code in known.codes if code not in columns.values()]
        if missing:
            raise MeasuringError(
                f"{path} has no scores for {', '.join(f'{known.names[code]} ({code})' for code in missing)}; every "
                "instrument needs a column (0 throughout where a system never predicts it)"
            )
    _check_doubled(columns, path, taxonomy)
    _once(table, path)
    values = table[names].rename(columns=columns)[list(taxonomy.codes)]
    scores = _numbers(values, table["clip_id"], path, "score", "apply the sigmoid, and leave no cell empty")
    return _sorted(pd.concat([table[["clip_id"]], scores], axis=1)), taxonomy


def read_labels(path: Path, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return columns clip_id, instrument, relevance, of either form; a clip of a wide table without a label is kept.

    Such a clip has one row, with a relevance of 0.5: nobody knows.

    Args:
        path: of the table.
        taxonomy: of the scores.

    Raises:
        MeasuringError: if the file is no such table: a column is missing or unknown, a pair occurs twice, an instrument is
            unknown, or a relevance is no number from 0 to 1.
    """
    table = _read(path)
    if "instrument" in table:
        return _long_labels(table, path, taxonomy)
    columns = _instrument_columns(table, path, taxonomy)
    if not columns:
        raise MeasuringError(
            f"{path} has no column but clip_id; labels are either clip_id, instrument, relevance, or clip_id and a column "
            "an instrument"
        )
    _once(table, path)
    melted = table.rename(columns=columns).melt("clip_id", var_name="instrument", value_name="relevance")
    known = melted[melted["relevance"].str.strip() != ""].reset_index(drop=True)
    unknown = melted[~melted["clip_id"].isin(known["clip_id"])].drop_duplicates("clip_id")
    relevance = _numbers(
        known[["relevance"]], known["clip_id"], path, "relevance", "leave a cell empty if nobody knows"
    )
    return pd.concat([known.assign(relevance=relevance["relevance"]), unknown.assign(relevance=0.5)], ignore_index=True)


def _long_labels(table: pd.DataFrame, path: Path, taxonomy: Taxonomy) -> pd.DataFrame:
    expected = ["clip_id", "instrument", "relevance"]
    if sorted(table.columns) != sorted(expected):
        raise MeasuringError(
            f"{path} has columns {', '.join(table.columns)}; labels with a column instrument must have "
            f"{', '.join(expected)} (relevance 1 where it plays, 0 where it does not)"
        )
    codes = _codes(taxonomy)
    names = {str(name): codes.get(plain(str(name))) for name in table["instrument"].unique()}
    _check_names([name for name, code in names.items() if code is None], path, "labels of", taxonomy)
    table = table.assign(instrument=table["instrument"].map(names))
    relevance = _numbers(table[["relevance"]], table["clip_id"], path, "relevance", "leave out pairs that nobody knows")
    table = table.assign(relevance=relevance["relevance"])[expected]
    repeated = table.duplicated(["clip_id", "instrument"])
    if repeated.any():
        first = table[repeated].iloc[0]
        raise MeasuringError(
            f"{path}: {int(repeated.sum())} pairs have more than one row, first {first['clip_id']!r}, "
            f"{first['instrument']!r}; keep one relevance a pair"
        )
    return table


def read_clips(paths: Sequence[Path]) -> pd.DataFrame:
    """Return clip_id and those of `KNOWN_OF_CLIPS` that any table has; of what several tables say, the first one stands.

    A cell is "" where no table says anything.

    Raises:
        MeasuringError: if a file is no such table, or a clip occurs twice in one.
    """
    joined: pd.DataFrame | None = None
    for path in paths:
        table = _read(path)
        columns = [column for column in KNOWN_OF_CLIPS if column in table]
        if not columns:
            raise MeasuringError(
                f"{path} says nothing of its clips: it has {', '.join(table.columns)}; wanted is any of "
                f"{', '.join(KNOWN_OF_CLIPS)}"
            )
        _once(table, path)
        found = table.set_index("clip_id")[columns].replace("", np.nan)
        joined = found if joined is None else joined.combine_first(found)
    assert joined is not None
    return joined.fillna("").rename_axis("clip_id").reset_index().astype(str)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MeasuringError(f"{path} does not exist") from error
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise MeasuringError(f"{path} is not a CSV table: {error}") from error
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    if table.columns.has_duplicates:
        doubled = table.columns[table.columns.duplicated()][0]
        raise MeasuringError(f"{path} has more than one column {doubled!r}, spaces around it left aside; keep one")
    if "clip_id" not in table:
        raise MeasuringError(
            f"{path} has no column clip_id; its first line must name the columns, with commas between them; found "
            f"{', '.join(table.columns)}"
        )
    if table.empty:
        raise MeasuringError(f"{path} has no row below its first line")
    ids = table["clip_id"].map(lambda clip_id: unicodedata.normalize("NFC", clip_id.strip()))
    if (ids == "").any():
        raise MeasuringError(f"{path}: row {int((ids == '').to_numpy().argmax()) + 1} has no clip_id")
    return table.assign(clip_id=ids)


def _codes(taxonomy: Taxonomy | None) -> dict[str, str]:
    """Return code and name of each instrument, as names are compared, to its code."""
    instruments = () if taxonomy is None else taxonomy.instruments
    return {plain(word): each.code for each in instruments for word in (each.name, each.code)}


def _taxonomy_of(columns: Mapping[str, str], known: Taxonomy | None) -> Taxonomy:
    """Return the taxonomy of these columns, name to code, under the names that `known` has for them."""
    instruments = () if known is None else known.instruments
    ours = [each for each in instruments if each.code in columns.values()]
    there = {each.code for each in ours}
    others = {
        code: Instrument(code, name.strip()) for name, code in reversed(list(columns.items())) if code not in there
    }
    new = [others[code] for code in dict.fromkeys(columns.values()) if code in others]
    if known is None or new:
        return Taxonomy("", (*ours, *new), covered={} if known is None else known.covered)
    return Taxonomy(known.name, tuple(ours), known.covered)


def _instrument_columns(table: pd.DataFrame, path: Path, taxonomy: Taxonomy) -> dict[str, str]:
    """Return column to code, of all columns but clip_id."""
    names, codes = [column for column in table.columns if column != "clip_id"], _codes(taxonomy)
    columns = {name: code for name in names if (code := codes.get(plain(name))) is not None}
    _check_names([name for name in names if name not in columns], path, "columns for", taxonomy)
    _check_doubled(columns, path, taxonomy)
    return columns


def _check_doubled(columns: Mapping[str, str], path: Path, taxonomy: Taxonomy) -> None:
    names = list(columns)
    doubled = [
        name for number, name in enumerate(names) if columns[name] in [columns[other] for other in names[:number]]
    ]
    if doubled:
        raise MeasuringError(
            f"{path} has more than one column for {taxonomy.names[columns[doubled[0]]]}, the second is {doubled[0]!r}"
        )


def _check_names(unknown: list[str], path: Path, what: str, taxonomy: Taxonomy) -> None:
    if unknown:
        listed = ", ".join(repr(name) for name in unknown[:5]) + (f" and {len(unknown) - 5} more" * (len(unknown) > 5))
        hint = closest(plain(unknown[0]), list(dict.fromkeys([*taxonomy.codes, *taxonomy.names.values()])))
        raise MeasuringError(
            f"{path} has {what} unknown instruments: {listed}; {hint}; every instrument needs a column of scores (0 "
            "throughout where a system never predicts it)"
        )


def _once(table: pd.DataFrame, path: Path) -> None:
    repeated = table["clip_id"].duplicated()
    if repeated.any():
        first = table["clip_id"][repeated].iloc[0]
        raise MeasuringError(f"{path}: {int(repeated.sum())} rows repeat a clip, first {first!r}; keep one row a clip")


def _numbers(values: pd.DataFrame, clip_ids: "pd.Series[str]", path: Path, what: str, advice: str) -> pd.DataFrame:
    """Return `values` as numbers; each must be one from 0 to 1."""
    numbers = pd.DataFrame({name: pd.to_numeric(column, errors="coerce") for name, column in values.items()}).astype(
        float
    )
    found: FloatArray = numbers.to_numpy()
    wrong: BoolArray = ~((found >= 0) & (found <= 1))  # NaN is neither
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        text = str(values.iloc[row, column])
        name = f" of {values.columns[column]}" if what == "score" else ""
        raise MeasuringError(
            f"{path}: {int(wrong.sum())} of {wrong.size} cells are no {what} from 0 to 1, first {text!r}{name} for "
            f"{clip_ids.iloc[row]!r}; {advice}"
        )
    return numbers


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("clip_id", ignore_index=True)
