"""Opening a review on the files of a repository in which the pipeline has run."""

from dataclasses import dataclass
from pathlib import Path

from instrumentarium.clips.collection import clips_of, corpus_folders, read_clips
from instrumentarium.reporting.listening import named_clips
from instrumentarium.reviewing.decisions import Decisions
from instrumentarium.reviewing.questions import Question, QuestionError, questions_of_clips, questions_of_issues
from instrumentarium.reviewing.review import Material, Review
from instrumentarium.runtime.section import DeclaredParams, read_yaml
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import read_taxonomy

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Choice:
    """What to review: clips, or a split, or with neither of them what the table of label issues lists."""

    clip_ids: tuple[str, ...] = ()
    split: str | None = None
    every_instrument: bool = False


def open_review(root: Path, choice: Choice, *, issues: Path, out: Path, source: str) -> Review:
    """Return the review of what was chosen.

    Args:
        root: of the repository.
        choice: what to review.
        issues: the table of label issues; need not exist if something else was chosen.
        out: the file of overrides.
        source: who decides.

    Raises:
        QuestionError: if the choice makes no sense, or there is nothing to ask.
        UnknownClipError: if there is no such clip.
        OverrideError: if `out` is no table of overrides.
        UserError: if a table of the pipeline is missing or broken; the message names the stage to run.
    """
    if choice.clip_ids and choice.split:
        raise QuestionError("clips were named and a split too; choose one of them")
    if choice.split is not None and choice.split not in SPLITS:
        raise QuestionError(f"there is no split {choice.split!r}; choose from {', '.join(SPLITS)}")
    params = DeclaredParams(read_yaml(root / "params.yaml"), "(none)")
    corpora = corpus_folders(root / "data" / "clips" / params.read("collection", str))
    taxonomy = read_taxonomy(root / "data" / "taxonomy.json")
    material = Material(
        clips=read_clips(corpora),
        labels=resolved_labels_table(taxonomy).read(root / "data" / "labels.csv"),
        corpora=corpora,
        taxonomy=taxonomy,
        sample_rate_hz=params.read("audio.sample_rate_hz", int),
    )
    questions = _questions(choice, material, issues, root / "data" / "split.csv")
    return Review(questions, material, Decisions(out, source))


def _questions(choice: Choice, material: Material, issues: Path, split: Path) -> list[Question]:
    if choice.clip_ids:
        clips = named_clips(material.clips, choice.clip_ids, "the collection")
    elif choice.split:
        clips = clips_of(material.clips, SPLIT.read(split), choice.split)
    elif choice.every_instrument:
        raise QuestionError("--every-instrument is for clips that are named and for a split; name one of them")
    else:
        return questions_of_issues(issues, material.clips["clip_id"], material.taxonomy)
    return questions_of_clips(
        clips["clip_id"].tolist(), material.labels, material.taxonomy, every_instrument=choice.every_instrument
    )
