"""The clips of one split as aligned arrays, made from the tables and checked against one another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.evaluation.checks import EvaluationError
from instrumentarium.tables.taxonomy import CODES


@dataclass(frozen=True)
class Scored:
    """Clips with truth and scores, row by row.

    Attributes:
        targets: (clips, instruments), Boolean.
        observed: (clips, instruments), Boolean.
        scores: (clips, instruments), probabilities.
        recordings: (clips,), the recording each clip was cut from.
        corpora: (clips,), the corpus each clip belongs to.
        genres: (clips,), the genre or category that the corpus states, "" where it states none; None if unknown.
        groups: (clips,), the group of sounds a negative is counted in, "" where it is in none; None if unknown.
        official_splits: (clips,), the split its corpus's publisher put each clip in, "" where none; None if unknown.
    """

    targets: BoolArray
    observed: BoolArray
    scores: FloatArray
    recordings: npt.NDArray[np.str_]
    corpora: npt.NDArray[np.str_]
    genres: npt.NDArray[np.str_] | None = None
    groups: npt.NDArray[np.str_] | None = None
    official_splits: npt.NDArray[np.str_] | None = None

    def where(self, rows: BoolArray) -> "Scored":
        """Return the clips for which `rows`, (clips,), is true."""
        return Scored(
            self.targets[rows],
            self.observed[rows],
            self.scores[rows],
            self.recordings[rows],
            self.corpora[rows],
            None if self.genres is None else self.genres[rows],
            None if self.groups is None else self.groups[rows],
            None if self.official_splits is None else self.official_splits[rows],
        )


def join(parts: Sequence[Scored]) -> Scored:
    """Return the clips of all parts, one after another."""
    known = [part.genres for part in parts if part.genres is not None]
    grouped = [part.groups for part in parts if part.groups is not None]
    official = [part.official_splits for part in parts if part.official_splits is not None]
    return Scored(
        targets=np.concatenate([part.targets for part in parts]),
        observed=np.concatenate([part.observed for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        recordings=np.concatenate([part.recordings for part in parts]),
        corpora=np.concatenate([part.corpora for part in parts]),
        genres=np.concatenate(known) if len(known) == len(parts) else None,
        groups=np.concatenate(grouped) if len(grouped) == len(parts) else None,
        official_splits=np.concatenate(official) if len(official) == len(parts) else None,
    )


def scored_splits(
    scores: pd.DataFrame, clips: pd.DataFrame, labels: LabelArrays, split: pd.DataFrame, names: Sequence[str]
) -> dict[str, Scored]:
    """Join the tables, for each split in `names`; clips come in the order of their ids.

    Args:
        scores: columns clip_id and one an instrument; for every clip of these splits.
        clips: columns clip_id, corpus, genre, official_split and, where it is known, group.
        labels: a row for every clip of these splits.
        split: columns clip_id, split, recording_id.
        names: the splits to score.

    Raises:
        EvaluationError: if a clip occurs twice, a table lacks a clip or has one too many, a split has no clip, or a
            recording occurs in two splits.
    """
    expected, found = ["clip_id", *CODES], [str(column) for column in scores.columns]
    if sorted(found) != sorted(expected):
        raise EvaluationError(
            f"scores have columns {', '.join(found)}; they must have {', '.join(expected)}, one probability an instrument"
        )
    for name, table in {"scores": scores, "clips": clips, "split": split}.items():
        repeated = table["clip_id"].duplicated()
        if repeated.any():
            raise EvaluationError(
                f"clip {table['clip_id'][repeated].iloc[0]!r} occurs more than once in the {name} table"
            )
    wanted = split[split["split"].isin(list(names))].sort_values("clip_id", ignore_index=True)
    _check_clips(scores["clip_id"], clips["clip_id"], wanted["clip_id"], names)
    _check_recordings(wanted)

    described = clips[["clip_id", "corpus", "genre", "official_split"]].assign(group=clips.get("group", ""))
    tables = wanted.merge(described, on="clip_id").merge(scores, on="clip_id")
    result = {}
    for name in names:
        mine = tables[tables["split"] == name]
        if mine.empty:
            raise EvaluationError(f"no clip is in split {name!r}; evaluation needs clips in {' and '.join(names)}")
        known = labels.take([str(clip_id) for clip_id in mine["clip_id"]])
        result[name] = Scored(
            targets=known.targets,
            observed=known.observed,
            scores=mine[list(CODES)].to_numpy(dtype=np.float64),
            recordings=mine["recording_id"].to_numpy(dtype=np.str_),
            corpora=mine["corpus"].to_numpy(dtype=np.str_),
            genres=mine["genre"].fillna("").to_numpy(dtype=np.str_),
            groups=mine["group"].fillna("").to_numpy(dtype=np.str_),
            official_splits=mine["official_split"].fillna("").to_numpy(dtype=np.str_),
        )
    return result


def _check_clips(
    scored: "pd.Series[str]", described: "pd.Series[str]", wanted: "pd.Series[str]", names: Sequence[str]
) -> None:
    splits = " or ".join(names)
    unscored = wanted[~wanted.isin(scored)]
    if len(unscored):
        raise EvaluationError(
            f"{len(unscored)} of {len(wanted)} clips have no scores, first {unscored.iloc[0]!r}; every clip of {splits} "
            "must be scored, run `dvc repro score`"
        )
    unknown = scored[~scored.isin(wanted)]
    if len(unknown):
        raise EvaluationError(
            f"scores for {len(unknown)} clips that are not in split {splits}, first {unknown.iloc[0]!r}; "
            "score the clips of the present split.csv, run `dvc repro score`"
        )
    undescribed = wanted[~wanted.isin(described)]
    if len(undescribed):
        raise EvaluationError(
            f"{len(undescribed)} clips of the split are not in the table of clips, first {undescribed.iloc[0]!r}; "
            "run `dvc repro split`"
        )


def _check_recordings(wanted: pd.DataFrame) -> None:
    splits = wanted.groupby("recording_id")["split"].nunique()
    straddling = splits[splits > 1]
    if len(straddling):
        raise EvaluationError(
            f"{len(straddling)} recordings occur in more than one split, first {straddling.index[0]!r}; thresholds chosen "
            "on one half of a song would be judged on the other"
        )
