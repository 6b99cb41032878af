"""What each corpus's publisher says of the splits, and which of its clips are ours to split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from instrumentarium.splitting.errors import SplitError, listed
from instrumentarium.splitting.params import SplitParams, SplitShares

SPLITS = ("train", "validation", "test")
STRATIFIED = "stratified"
"""Stands for a split where recordings get theirs by a stratified group split."""


@dataclass(frozen=True)
class Rule:
    """How the clips of one corpus come into splits.

    Attributes:
        split_of: what becomes of the clips of each official split: a split, or STRATIFIED. Others are refused.
        pool: the name that metrics/split.json gives to what is so split, where something is.
        shares: how large a part of the pool's clips goes to each split.
    """

    split_of: Mapping[str, str]
    pool: str | None = None
    shares: SplitShares | None = None


def _irmas(params: SplitParams) -> Rule:
    """Training clips train; the test songs are split by labels."""
    return Rule({"train": "train", "test": STRATIFIED}, "irmas_test_songs", params.irmas_test_songs)


def _openmic(params: SplitParams) -> Rule:
    """The test part tests; of the training part some recordings validate."""
    share = params.openmic_validation_share
    shares = SplitShares(train=1 - share, validation=share, test=0.0)
    return Rule({"train": STRATIFIED, "test": "test"}, "openmic_train", shares)


def _esc50(params: SplitParams) -> Rule:
    """Fold 5 tests, another validates, the others train."""
    train = {f"fold{number}": "train" for number in range(1, 5)}
    return Rule({**train, f"fold{params.esc50_validation_fold}": "validation", "fold5": "test"})


def _own(params: SplitParams) -> Rule:
    """What states a split keeps it; recordings that state none are split by labels."""
    return Rule({**{name: name for name in SPLITS}, "": STRATIFIED}, "own", params.own)


def _nsynth(_: SplitParams) -> Rule:
    """The train part trains; the other two parts share their instruments, so these are halved anew, each on one side."""
    shares = SplitShares(train=0.0, validation=0.5, test=0.5)
    return Rule({"train": "train", "validation": STRATIFIED, "test": STRATIFIED}, "nsynth_instruments", shares)


def _as_published(_: SplitParams) -> Rule:
    """What states a split keeps it, and all else trains."""
    return Rule({**{name: name for name in SPLITS}, "": "train"})


def _trains(_: SplitParams) -> Rule:
    """All of it trains: its publisher states no split by recordings."""
    return Rule(dict.fromkeys(("", *(f"fold{number}" for number in range(1, 6))), "train"))


RULES: Mapping[str, Callable[[SplitParams], Rule]] = {
    "irmas": _irmas,
    "openmic": _openmic,
    "esc50": _esc50,
    "own": _own,
    "nsynth": _nsynth,
    "medley_solos": _as_published,
    "tinysol": _trains,
    "good_sounds": _trains,
    "philharmonia": _trains,
    "musicnet": _as_published,
    "slakh": _as_published,
    "medleydb": _trains,
}


def ruled_splits(clips: pd.DataFrame, params: SplitParams) -> pd.Series:
    """Return what the corpora's rules say of each clip: a split, or STRATIFIED; indexed as `clips` is.

    Args:
        clips: columns clip_id, corpus, official_split.
        params: the section `split` of params.yaml.

    Raises:
        SplitError: for a corpus without a rule, or an official split that its corpus's rule does not know.
    """
    ruled = pd.Series("", index=clips.index, dtype=object)
    for corpus, mine in clips.groupby("corpus"):
        if corpus not in RULES:
            raise SplitError(
                f"no rule says how clips of corpus {corpus!r} are split; rules exist for {', '.join(RULES)}"
            )
        split_of = RULES[str(corpus)](params).split_of
        unknown = mine[~mine["official_split"].isin(split_of)]
        if len(unknown):
            raise SplitError(
                f"{len(unknown)} clips of {corpus} have an official split other than "
                f"{', '.join(map(repr, sorted(split_of)))}: {listed(sorted(unknown['clip_id']))} "
                f"(first {unknown.sort_values('clip_id')['official_split'].iloc[0]!r}); run `dvc repro ingest`"
            )
        ruled[mine.index] = mine["official_split"].map(split_of)
    return ruled


@dataclass(frozen=True)
class Pool:
    """Clips whose recordings get a stratified group split.

    Attributes:
        name: as metrics/split.json has it.
        clips: the rows of the table of clips.
        shares: the share of these clips that each of SPLITS gets.
    """

    name: str
    clips: pd.DataFrame
    shares: tuple[float, float, float]


def pools(clips: pd.DataFrame, params: SplitParams) -> list[Pool]:
    """Return what gets a stratified group split, in the order of RULES; no pool is empty. Errors: `ruled_splits`."""
    shared = clips[ruled_splits(clips, params) == STRATIFIED]
    found = []
    for corpus, rule_of in RULES.items():
        rule, mine = rule_of(params), shared[shared["corpus"] == corpus]
        if rule.pool is not None and rule.shares is not None and len(mine):
            found.append(Pool(rule.pool, mine, (rule.shares.train, rule.shares.validation, rule.shares.test)))
    return found
