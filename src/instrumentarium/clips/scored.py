"""Clips with truth and scores as aligned arrays, joined from the tables and checked against one another."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.runtime.errors import UserError

Words = npt.NDArray[np.str_]


class ScoredClipsError(UserError, ValueError):
    """Scores, clips, labels and split do not belong together; the message says which clip or column, and what to do."""


@dataclass(frozen=True)
class ScoredClips:
    """Clips row by row, in the order of their ids.

    Attributes:
        codes: (instruments,), the instruments' codes, in the order of the arrays' columns.
        clip_ids: (clips,).
        splits: (clips,), the split each clip is in.
        targets: (clips, instruments), Boolean.
        observed: (clips, instruments), Boolean.
        scores: (clips, instruments), probabilities.
        recordings: (clips,), the recording each clip was cut from, duplicates merged.
        corpora: (clips,), the corpus each clip belongs to.
        genres: (clips,), the genre or category that the corpus states, "" where it states none.
        groups: (clips,), the group within its corpus that a clip is counted by, "" where it is in none.
        official_splits: (clips,), the split its corpus's publisher put each clip in, "" where none.
    """

    codes: tuple[str, ...]
    clip_ids: Words
    splits: Words
    targets: BoolArray
    observed: BoolArray
    scores: FloatArray
    recordings: Words
    corpora: Words
    genres: Words
    groups: Words
    official_splits: Words

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clip_ids)

    def where(self, rows: BoolArray) -> "ScoredClips":
        """Return the clips for which `rows`, (clips,), is true."""
        arrays = {each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name != "codes"}
        return ScoredClips(self.codes, **arrays)

    def of_split(self, name: str) -> "ScoredClips":
        """Return the clips of one split."""
        return self.where(self.splits == name)


def concatenate(parts: Sequence[ScoredClips]) -> ScoredClips:
    """Return the clips of all parts, of the same instruments, one after another."""
    names = [each.name for each in fields(ScoredClips) if each.name != "codes"]
    return ScoredClips(
        parts[0].codes, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def join_scores(
    scores: pd.DataFrame,
    clips: pd.DataFrame,
    labels: LabelArrays,
    split: pd.DataFrame,
    codes: Sequence[str],
    splits: Sequence[str] = ("validation", "test"),
) -> ScoredClips:
    """Join the tables: the clips of `splits`, in the order of their ids.

    Args:
        scores: columns clip_id and one an instrument; for every clip of these splits, and no other.
        clips: columns clip_id, corpus, genre, group, official_split; of these splits' clips, and maybe others.
        labels: a row for every clip of these splits.
        split: columns clip_id, split, recording_id.
        codes: the instruments' codes, in the order of `labels`'s columns.
        splits: the splits that are scored.

    Raises:
        ScoredClipsError: if a clip occurs twice, a table lacks a clip, there are scores of other clips, a column is
            missing or unknown, a split has no clip, or a recording occurs in two splits.
    """
    expected, found = ["clip_id", *codes], [str(column) for column in scores.columns]
    if sorted(found) != sorted(expected):
        raise ScoredClipsError(
            f"scores have columns {', '.join(found)}; they must have {', '.join(expected)}, one probability an instrument"
        )
    for name, table in {"scores": scores, "clips": clips, "split": split}.items():
        repeated = table["clip_id"].duplicated()
        if repeated.any():
            raise ScoredClipsError(
                f"clip {table['clip_id'][repeated].iloc[0]!r} occurs more than once in the {name} table"
            )
    wanted = split[split["split"].isin(list(splits))].sort_values("clip_id", ignore_index=True)
    _check_clips(scores["clip_id"], clips["clip_id"], wanted["clip_id"], splits)
    _check_splits(wanted, splits)

    described = clips[["clip_id", "corpus", "genre", "group", "official_split"]]
    table = wanted.merge(described, on="clip_id").merge(scores, on="clip_id")
    known = labels.take([str(clip_id) for clip_id in table["clip_id"]])

    def words(column: str) -> Words:
        return table[column].fillna("").to_numpy(dtype=np.str_)

    return ScoredClips(
        codes=tuple(codes),
        clip_ids=words("clip_id"),
        splits=words("split"),
        targets=known.targets,
        observed=known.observed,
        scores=table[list(codes)].to_numpy(dtype=np.float64),
        recordings=words("recording_id"),
        corpora=words("corpus"),
        genres=words("genre"),
        groups=words("group"),
        official_splits=words("official_split"),
    )


def _check_clips(
    scored: "pd.Series[str]", described: "pd.Series[str]", wanted: "pd.Series[str]", splits: Sequence[str]
) -> None:
    names = " or ".join(splits)
    unscored = wanted[~wanted.isin(scored)]
    if len(unscored):
        raise ScoredClipsError(
            f"{len(unscored)} of {len(wanted)} clips have no scores, first {unscored.iloc[0]!r}; every clip of {names} "
            "must be scored, run `dvc repro score`"
        )
    unknown = scored[~scored.isin(wanted)]
    if len(unknown):
        raise ScoredClipsError(
            f"scores for {len(unknown)} clips that are not in split {names}, first {unknown.iloc[0]!r}; "
            "score the clips of the present split.csv, run `dvc repro score`"
        )
    undescribed = wanted[~wanted.isin(described)]
    if len(undescribed):
        raise ScoredClipsError(
            f"{len(undescribed)} clips of the split are not in the table of clips, first {undescribed.iloc[0]!r}; "
            "run `dvc repro split`"
        )


def _check_splits(wanted: pd.DataFrame, splits: Sequence[str]) -> None:
    for name in splits:
        if not (wanted["split"] == name).any():
            raise ScoredClipsError(f"no clip is in split {name!r}; evaluation needs clips in {' and '.join(splits)}")
    counts = wanted.groupby("recording_id")["split"].nunique()
    straddling = counts[counts > 1]
    if len(straddling):
        raise ScoredClipsError(
            f"{len(straddling)} recordings occur in more than one split, first {straddling.index[0]!r}; thresholds chosen "
            "on one half of a song would be applied to the other"
        )
