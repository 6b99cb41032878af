"""A labelling: who says what of which clip, read from a table or from a folder of text files.

A table is a CSV file with the columns clip_id, instrument, relevance (others are not looked at; an empty relevance says
that nobody knows): data/labels.csv is one, and so is a file of overrides. A folder holds a .txt a clip, as IRMAS's testing
archives do, one instrument a line; a clip's id is its path in the folder without the suffix. They list all that plays.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from instrumentarium.runtime.errors import UserError

Absent = Literal["negative", "unobserved"]


class LabellingError(UserError, ValueError):
    """A labelling cannot be used, or two do not fit together; the message says what was found."""


@dataclass(frozen=True)
class Labelling:
    """What is said of clips.

    Attributes:
        source: the file or folder.
        stated: clip → instrument → whether it plays; pairs that nobody knows are left out.
        whole: whether an instrument that a clip does not list is known to be absent.
        unknown: clip → instruments of which it is said that nobody knows.
    """

    source: str
    stated: Mapping[str, Mapping[str, bool]]
    whole: bool
    unknown: Mapping[str, frozenset[str]]

    def present(self, clip_id: str) -> frozenset[str]:
        """Return the instruments that play in a clip."""
        return frozenset(code for code, plays in self.stated[clip_id].items() if plays)

    def says(self, clip_id: str, code: str) -> bool | None:
        """Return whether an instrument plays in a clip, None if nobody knows."""
        if code in self.unknown.get(clip_id, frozenset()):
            return None
        return self.stated[clip_id].get(code, False if self.whole else None)


def read_labelling(path: Path, absent: Absent) -> Labelling:
    """Return the labelling of a table or a folder.

    Args:
        path: of either.
        absent: what a table says of a pair that it has no row of; text files list all that plays.

    Raises:
        LabellingError: if there is neither, or it does not hold labels; the line or file is named.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise LabellingError(f"{path} is neither a table of labels nor a folder of .txt files")
    return _read_table(path, absent)


def _read_table(path: Path, absent: Absent) -> Labelling:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise LabellingError(f"{path} is not a CSV table: {error}") from error
    wanted = ("clip_id", "instrument", "relevance")
    missing = [column for column in wanted if column not in table]
    if missing:
        raise LabellingError(
            f"{path} has the columns {', '.join(map(str, table.columns))}; it must have {', '.join(wanted)}"
        )
    stated: dict[str, dict[str, bool]] = {}
    unknown: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    for row, (clip, code, value) in enumerate(table[list(wanted)].itertuples(index=False), start=1):
        clip_id = unicodedata.normalize("NFC", clip)
        if not clip_id or not code:
            raise LabellingError(f"{path}: row {row} names no {'instrument' if clip_id else 'clip_id'}")
        if (clip_id, code) in seen:
            raise LabellingError(f"{path}: row {row} repeats {clip_id!r}, {code!r}; keep one row a pair")
        seen.add((clip_id, code))
        relevance = _relevance(path, row, value)
        stated.setdefault(clip_id, {})
        if relevance is None or relevance == 0.5:
            unknown.setdefault(clip_id, set()).add(code)
        else:
            stated[clip_id][code] = relevance > 0.5
    return _checked(
        Labelling(str(path), stated, absent == "negative", {clip: frozenset(codes) for clip, codes in unknown.items()})
    )


def _relevance(path: Path, row: int, value: str) -> float | None:
    if not value.strip():
        return None
    try:
        relevance = float(value)
    except ValueError:
        relevance = math.nan
    if not 0 <= relevance <= 1:
        raise LabellingError(f"{path}: row {row}: relevance must be a number from 0 to 1 or empty; found {value!r}")
    return relevance


def _read_folder(folder: Path) -> Labelling:
    stated: dict[str, dict[str, bool]] = {}
    for file in sorted(folder.rglob("*.txt")):
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise LabellingError(f"{file} is no text in UTF-8 (byte {error.start})") from error
        clip_id = unicodedata.normalize("NFC", file.relative_to(folder).with_suffix("").as_posix())
        stated[clip_id] = dict.fromkeys(filter(None, lines), True)
    return _checked(Labelling(str(folder), stated, whole=True, unknown={}))


def _checked(labelling: Labelling) -> Labelling:
    if not labelling.stated:
        raise LabellingError(f"{labelling.source} labels no clip")
    return labelling


def common_clips(a: Labelling, b: Labelling) -> Sequence[str]:
    """Return the clips that both label, sorted.

    Raises:
        LabellingError: if there is none, with an id of each.
    """
    common = sorted(set(a.stated) & set(b.stated))
    if not common:
        raise LabellingError(
            f"{a.source} and {b.source} label no clip in common: ids of the one are like {min(a.stated)!r}, of the other "
            f"like {min(b.stated)!r}"
        )
    return common
