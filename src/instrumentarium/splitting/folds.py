"""Folds for cross-validation: by recording, alike in labels and size."""

from collections.abc import Sequence

import pandas as pd

from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.params import FOLDS
from instrumentarium.splitting.stratified import stratified_group_split
from instrumentarium.splitting.units import recording_units


def folds(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    recordings: pd.Series,
    codes: Sequence[str],
    k: int,
    seed: int,
    *,
    runs: int | None = None,
) -> pd.Series:
    """Return the fold of each clip, 0 to k − 1, indexed as `clips` is; a recording lies in one fold.

    The order of rows in `clips` and `labels` does not matter.

    Args:
        clips: column clip_id; one row a clip.
        labels: columns clip_id, instrument, relevance.
        recordings: the recording of each clip after merging duplicates, indexed as `clips` is.
        codes: of the instruments.
        k: how many folds, at least 2.
        seed: any whole number.
        runs: how many searches; of hundreds of recordings, one finds about as much as several.

    Raises:
        SplitError: if k is below 2, or there are fewer recordings than folds.
    """
    if k < 2:
        raise SplitError(f"k is {k}; cross-validation needs at least 2 folds")
    units = recording_units(clips, labels, recordings, codes)
    if len(units) < k:
        raise SplitError(
            f"{len(units)} recordings cannot fill {k} folds, since a recording lies in one fold; ask for fewer folds"
        )
    fold_of = dict(zip(units.names, stratified_group_split(units, [1 / k] * k, seed, runs=runs).tolist(), strict=True))
    return recordings[clips.index].map(fold_of).astype("int64").rename("fold")


def validate_by_fold(
    split: pd.DataFrame, clips: pd.DataFrame, labels: pd.DataFrame, codes: Sequence[str], fold: int, seed: int
) -> pd.DataFrame:
    """Return split.csv with one fold of the recordings outside test as validation, and the others for training.

    Folds are alike in instruments, in corpora, and in the instruments of each corpus. All FOLDS of them together are
    every recording outside test once; test is as it was.

    Args:
        split: split.csv, by which clips test; its rows outside test may be of either split.
        clips: columns clip_id, corpus; the same clips, in any order.
        labels: columns clip_id, instrument, relevance.
        codes: of the instruments.
        fold: 0 to FOLDS − 1.
        seed: any whole number.

    Raises:
        SplitError: if there are fewer recordings than folds.
    """
    free = split[split["split"] != "test"]
    corpus_of = dict(zip(clips["clip_id"], "corpus " + clips["corpus"], strict=True))
    corpora = free["clip_id"].map(corpus_of)
    as_labels = pd.DataFrame({"clip_id": free["clip_id"], "instrument": corpora, "relevance": 1.0})
    found = folds(
        free,
        pd.concat([labels[["clip_id", "instrument", "relevance"]], as_labels]),
        free["recording_id"],
        [*codes, *sorted(set(corpora))],
        FOLDS,
        derive_seed(seed, "folds"),
        runs=1,
    )
    changed = split.copy()
    changed.loc[free.index, "split"] = (found == fold).map({True: "validation", False: "train"})
    return changed
