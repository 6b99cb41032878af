"""Every clip's split: by its corpus's rule, else by a stratified group split; whole recordings always."""

from collections.abc import Sequence

import pandas as pd

from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.splitting.errors import SplitError, listed
from instrumentarium.splitting.folds import validate_by_fold
from instrumentarium.splitting.params import SplitParams
from instrumentarium.splitting.rules import SPLITS, STRATIFIED, pools, ruled_splits
from instrumentarium.splitting.stratified import stratified_group_split
from instrumentarium.splitting.units import recording_units


def assigned_splits(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    recordings: pd.Series,
    params: SplitParams,
    seed: int,
    codes: Sequence[str],
) -> pd.DataFrame:
    """Return split.csv: every clip with its split and its recording after merging, sorted by clip_id.

    A recording that merging made of clips with different splits goes as a whole to the most guarded of them: test, then
    validation, then train. So a stratified split never gets a recording that another clip holds in validation or test.

    Args:
        clips: columns clip_id, corpus, recording_id, official_split; in any order.
        labels: columns clip_id, instrument, relevance; in any order.
        recordings: the recording of each clip after merging, indexed as `clips` is.
        params: the section `split` of params.yaml.
        seed: any whole number.
        codes: of the instruments.

    Raises:
        SplitError: if a split would be empty, a rule does not know a clip's corpus or official split, or a recording
            of your own states more than one split.
    """
    clips = clips.sort_values("clip_id")
    recordings = recordings[clips.index]
    split = ruled_splits(clips, params)
    _check_own(clips)
    guard = _guard(split, recordings)
    for pool in pools(clips, params):
        waiting = pool.clips[guard[pool.clips.index] < SPLITS.index("validation")]
        units = recording_units(waiting, labels, recordings, codes)
        parts = stratified_group_split(units, pool.shares, derive_seed(seed, f"split {pool.name}"))
        split_of = {unit: SPLITS[part] for unit, part in zip(units.names, parts, strict=True)}
        split[waiting.index] = recordings[waiting.index].map(split_of)
        guard = _guard(split, recordings)
    split = guard.map(dict(enumerate(SPLITS)))
    table = pd.DataFrame({"clip_id": clips["clip_id"], "split": split, "recording_id": recordings})
    table = table.reset_index(drop=True)
    if params.fold is not None:
        table = validate_by_fold(table, clips, labels, codes, params.fold, seed)
    empty = sorted(set(SPLITS) - set(table["split"]))
    if empty:
        raise SplitError(
            f"no clip is left for {', '.join(empty)} among {len(clips)} clips of "
            f"{', '.join(sorted(set(clips['corpus'])))}; switch a corpus on in params.yaml (collections) "
            "or change the shares under `split`"
        )
    return table


def _guard(split: pd.Series, recordings: pd.Series) -> pd.Series:
    """Return for each clip how guarded its recording is: the place in SPLITS of its clips' most guarded split.

    −1 where all the recording's clips are still to be split.
    """
    places = split.map({STRATIFIED: -1, **{name: place for place, name in enumerate(SPLITS)}})
    return places.groupby(recordings).transform("max").astype("int64")


def _check_own(clips: pd.DataFrame) -> None:
    stated = clips[(clips["corpus"] == "own") & (clips["official_split"] != "")]
    several = stated.groupby("recording_id")["official_split"].nunique()
    torn = sorted(several[several > 1].index)
    if torn:
        raise SplitError(
            f"clips of one recording state different splits in {len(torn)} recordings of your own: {listed(torn)}; "
            "state one split for all clips of a recording"
        )
