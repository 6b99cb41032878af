"""What is asked: does this instrument play in this clip? From the ranked label issues, or of clips that are named."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import pandas as pd

from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.taxonomy import Taxonomy

Word = Literal["present", "absent", "unsure"]
WORDS: tuple[Word, ...] = get_args(Word)
OPPOSITE = {"present": "absent", "absent": "present"}
Pair = tuple[str, str]
"""A clip's id and an instrument's code."""

NEEDED = ("clip_id", "instrument", "stated")
"""Columns of label issues that a question cannot do without; `proposed` is one too, but follows from `stated`."""
UNSHOWN = (*NEEDED, "proposed", "recording_id")
"""What of an issue is no evidence."""


class QuestionError(UserError, ValueError):
    """There is nothing to ask, or what is to be asked of does not exist."""


@dataclass(frozen=True)
class Question:
    """One pair of clip and instrument whose label is in doubt.

    Attributes:
        clip_id: as in clips.csv.
        instrument: its code.
        stated: what the label says as it is.
        proposed: what it should be instead, or "" where nothing is proposed.
        evidence: what speaks for the proposal: names and values, to be shown as they are.
    """

    clip_id: str
    instrument: str
    stated: Word
    proposed: Word | Literal[""] = ""
    evidence: tuple[tuple[str, str], ...] = ()

    @property
    def pair(self) -> Pair:
        """The pair that is asked about."""
        return self.clip_id, self.instrument


def word_of(relevance: float | None) -> Word:
    """Return what a relevance says, as losses and metrics take it: above a half present, below absent."""
    if relevance is None or relevance == 0.5:
        return "unsure"
    return "present" if relevance > 0.5 else "absent"


def questions_of_issues(path: Path, clip_ids: Iterable[str], taxonomy: Taxonomy) -> list[Question]:
    """Return a question for each row of a table of label issues, in the order of its rows, the worst first.

    Args:
        path: a CSV file with at least the columns NEEDED; of a row without `proposed` the opposite of what is stated is
            proposed, and all its other columns are evidence.
        clip_ids: of all clips.
        taxonomy: of the run.

    Raises:
        QuestionError: if the file is missing, is no such table, has no rows, or names a clip or an instrument that there
            is not.
    """
    if not path.exists():
        raise QuestionError(
            f"{path} is missing; run `dvc repro audit`, or name what to review: ids of clips, or --split validation"
        )
    known, codes = set(clip_ids), set(taxonomy.codes)
    questions = []
    try:
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        missing = [column for column in NEEDED if column not in (reader.fieldnames or [])]
        if missing:
            found = ", ".join(reader.fieldnames or []) or "none"
            raise QuestionError(f"{path} is no table of label issues: it lacks {', '.join(missing)}; it has {found}")
        for row in reader:
            question = _question(row, f"{path}, line {reader.line_num}")
            if question.clip_id not in known:
                raise QuestionError(
                    f"{path}, line {reader.line_num}: no corpus has the clip {question.clip_id!r}; run `dvc repro audit`"
                )
            if question.instrument not in codes:
                raise QuestionError(
                    f"{path}, line {reader.line_num}: {question.instrument!r} is no instrument of the taxonomy "
                    f"({', '.join(taxonomy.codes)}); run `dvc repro audit`"
                )
            questions.append(question)
    except (csv.Error, UnicodeDecodeError) as error:
        raise QuestionError(f"{path} is no CSV table in UTF-8: {error}") from error
    return _some(questions, f"{path} has no rows: no label is in doubt")


def _question(row: Mapping[str, str], place: str) -> Question:
    if None in row or None in row.values():
        raise QuestionError(f"{place}: the row has not as many cells as the header")
    stated, proposed = row["stated"], row.get("proposed") or OPPOSITE.get(row["stated"], "")
    for column, word in (("stated", stated), ("proposed", proposed)):
        if word not in WORDS and not (column == "proposed" and word == ""):
            raise QuestionError(f"{place}: {column} must be {' or '.join(WORDS)}, found {word!r}")
    clip_id = unicodedata.normalize("NFC", row["clip_id"])
    shown = tuple((name, value) for name, value in row.items() if name not in UNSHOWN and value)
    return Question(clip_id, row["instrument"], cast("Word", stated), cast('Word | Literal[""]', proposed), shown)


def questions_of_clips(
    clip_ids: Sequence[str], labels: pd.DataFrame, taxonomy: Taxonomy, *, every_instrument: bool
) -> list[Question]:
    """Return the questions about clips, in their order: one for each instrument that a clip has a label of.

    Args:
        clip_ids: of the clips.
        labels: columns clip_id, instrument, relevance.
        taxonomy: of the run.
        every_instrument: ask of those too that nobody labelled.

    Raises:
        QuestionError: if there is nothing to ask.
    """
    chosen = labels[labels["clip_id"].isin(set(clip_ids))]
    given = {
        (str(clip_id), str(code)): float(relevance)
        for clip_id, code, relevance in zip(chosen["clip_id"], chosen["instrument"], chosen["relevance"], strict=True)
    }
    pairs = [(clip_id, code) for clip_id in dict.fromkeys(clip_ids) for code in taxonomy.codes]
    questions = [Question(*pair, word_of(given.get(pair))) for pair in pairs if every_instrument or pair in given]
    return _some(questions, "none of these clips has a label; ask of all instruments with --every-instrument")


def _some(questions: list[Question], otherwise: str) -> list[Question]:
    if not questions:
        raise QuestionError(otherwise)
    once: dict[Pair, Question] = {}
    for question in questions:
        once.setdefault(question.pair, question)
    return list(once.values())
