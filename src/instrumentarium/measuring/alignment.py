"""Tables aligned: which clips are evaluated, by which labels, in which recordings and splits.

What is not handed over is assumed, and every assumption is reported: without recordings each clip counts as one of its own,
without validation clips thresholds are cross-fitted over two halves of the test recordings.
"""

import re
from dataclasses import dataclass

import pandas as pd

from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.clips.scored import ScoredClips, join_scores
from instrumentarium.measuring.tables import Absent, MeasuringError
from instrumentarium.tables.taxonomy import Taxonomy

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Aligned:
    """What an evaluation needs, and how it was come by.

    Attributes:
        test: the clips to report on.
        validation: the clips to choose thresholds on; None if there are none.
        recordings_from: where it is known from which clips share a recording.
        notes: what the reader of the metrics must know, a sentence each.
    """

    test: ScoredClips
    validation: ScoredClips | None
    recordings_from: str
    notes: tuple[str, ...]


def align_tables(
    scores: pd.DataFrame,
    labels: pd.DataFrame,
    taxonomy: Taxonomy,
    clips: pd.DataFrame | None = None,
    *,
    absent: Absent = "unobserved",
    irmas_train_absent: IrmasTrainAbsent = "negative",
    recording_pattern: str | None = None,
) -> Aligned:
    """Align the tables.

    Args:
        scores: of `read_scores`.
        labels: of `read_labels`.
        taxonomy: of the scores.
        clips: of `read_clips`; None if there is no such table. It then says which clips there are, and which are evaluated.
        absent: what a pair without a label means: nobody knows, or the instrument does not play.
        irmas_train_absent: the same for clips of corpus irmas whose `official_split` is train; see `label_arrays`.
        recording_pattern: a regular expression whose first group, found in a clip's id, names its recording.

    Raises:
        MeasuringError: if the tables disagree on the clips, or something is said of some clips only.
        ScoredClipsError: if a recording is in two splits.
    """
    known = _described(scores, labels, clips)
    split_known = clips is not None and "split" in clips
    known, notes = _evaluated(known, scores, split_known=split_known)
    recordings, recordings_from = _recordings(known, clips, recording_pattern)
    labels = labels[labels["clip_id"].isin(known["clip_id"])]
    if absent == "negative":
        labels = _completed(labels, known["clip_id"], taxonomy)
    arrays = label_arrays(known, labels, taxonomy, irmas_train_absent=irmas_train_absent)
    bare = int((~arrays.observed.any(axis=1)).sum())
    if bare:
        notes.append(f"{bare} evaluated clips have no label at all and count in no metric")
    if not (arrays.observed & ~arrays.targets).any():
        raise MeasuringError(
            "the labels of the evaluated clips say of no instrument that it does not play, so false alarms cannot be "
            "counted; give absent pairs a relevance of 0, or pass --absent negative if what is not listed does not play"
        )
    names = [name for name in ("validation", "test") if (known["split"] == name).any()]
    scored = scores[scores["clip_id"].isin(known["clip_id"])]
    table = known.assign(recording_id=recordings)[["clip_id", "split", "recording_id"]]
    joined = join_scores(scored, known, arrays, table, taxonomy.codes, names)
    if "validation" not in names:
        notes.append(
            "no clips are set apart for choosing thresholds: the thresholds for each half of the recordings come from the "
            "other (a column `split` in a table passed with --clips would say which clips are validation)"
        )
    validation = joined.of_split("validation") if "validation" in names else None
    return Aligned(joined.of_split("test"), validation, recordings_from, tuple(notes))


def _described(scores: pd.DataFrame, labels: pd.DataFrame, clips: pd.DataFrame | None) -> pd.DataFrame:
    """Return clip_id and `KNOWN_OF_CLIPS` of every clip there is, with defaults where nothing is said."""
    scored, labelled = set(scores["clip_id"]), set(labels["clip_id"])
    if clips is None:
        _same(scored - labelled, scored, "are scored and have no labels", "label them (relevance 0.5: nobody knows)")
        _same(
            labelled - scored, labelled, "have labels and no scores", "a system is evaluated on every clip: score them"
        )
        known = pd.DataFrame({"clip_id": sorted(scored)})
    else:
        described = set(clips["clip_id"])
        _same(scored - described, scored, "are scored and not in a table of clips", "make the ids agree")
        _same(labelled - described, labelled, "have labels and are not in a table of clips", "make the ids agree")
        known = clips.sort_values("clip_id", ignore_index=True)
    defaults = {
        "split": "test",
        "corpus": "unstated",
        "genre": "",
        "group": "",
        "recording_id": "",
        "official_split": "",
    }
    for column, default in defaults.items():
        if column not in known:
            known = known.assign(**{column: default})
    return known.assign(corpus=known["corpus"].replace("", defaults["corpus"]))


def _evaluated(known: pd.DataFrame, scores: pd.DataFrame, *, split_known: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the clips that are evaluated, and what to say of others."""
    scored, notes = set(scores["clip_id"]), []
    if split_known:
        wrong = sorted(set(known["split"]) - {*SPLITS, ""})
        if wrong:
            raise MeasuringError(f"unknown split {wrong[0]!r} in the table of clips; allowed are {', '.join(SPLITS)}")
        nowhere = set(known["clip_id"][known["split"] == ""]) & scored
        _same(nowhere, scored, "are scored and in no split", "give every scored clip a split")
        training = set(known["clip_id"][known["split"] == "train"]) & scored
        if training:
            notes.append(f"{len(training)} scored clips are of split train and left out")
        known = known[known["split"].isin(("validation", "test"))].reset_index(drop=True)
        if not (known["split"] == "test").any():
            raise MeasuringError("no clip is in split test, so there is nothing to report on")
    _same(
        set(known["clip_id"]) - scored,
        set(known["clip_id"]),
        "have no scores",
        "a system is evaluated on every clip: score them",
    )
    return known, notes


def _recordings(known: pd.DataFrame, clips: pd.DataFrame | None, pattern: str | None) -> tuple["pd.Series[str]", str]:
    stated = clips is not None and "recording_id" in clips
    if pattern is not None:
        if stated:
            raise MeasuringError("both a table of clips and --recording-pattern name recordings; drop one of them")
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise MeasuringError(f"--recording-pattern {pattern!r} is no regular expression: {error}") from error
        if compiled.groups != 1:
            raise MeasuringError(
                f"--recording-pattern {pattern!r} must have one group, such as (.+)-\\d+; it has {compiled.groups}"
            )
        found = known["clip_id"].map(lambda clip_id: match[1] if (match := compiled.search(clip_id)) else "")
        source = f"the pattern {pattern}"
    elif stated:
        found, source = known["recording_id"], "the table of clips"
    else:
        return known["clip_id"], "nothing: each clip counts as a recording of its own"
    without = set(known["clip_id"][(found == "") | found.isna()])
    _same(without, set(known["clip_id"]), f"have no recording by {source}", "name one for each, or for none")
    return found, source


def _completed(labels: pd.DataFrame, clip_ids: "pd.Series[str]", taxonomy: Taxonomy) -> pd.DataFrame:
    """Return `labels` with a relevance of 0 for every pair of these clips that has none."""
    pairs = pd.MultiIndex.from_product([clip_ids, taxonomy.codes], names=["clip_id", "instrument"])
    known = labels.set_index(["clip_id", "instrument"])["relevance"]
    return known.reindex(pairs, fill_value=0.0).reset_index()


def _same(extra: set[str], of: set[str], what: str, advice: str) -> None:
    if extra:
        raise MeasuringError(f"{len(extra)} of {len(of)} clips {what}, first {min(extra)!r}; {advice}")
