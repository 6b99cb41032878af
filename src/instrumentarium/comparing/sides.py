"""One side of a comparison: a system's answers to the clips of a split, and where they come from."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from instrumentarium.clips.collection import read_clips
from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.revisions import (
    LABELS_FILE,
    SCORES_FILE,
    SPLIT_FILE,
    THRESHOLDS_FILE,
    clips_folder,
    fetch_revision,
)
from instrumentarium.comparing.significance import Answers
from instrumentarium.evaluation.choosing import choose_thresholds, cross_fitted_predictions
from instrumentarium.evaluation.inputs import scored_splits
from instrumentarium.evaluation.thresholds import Rule, Thresholds
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, read_yaml
from instrumentarium.tables.schemas import SCORES, SETTLED_LABELS, SPLIT

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Side:
    """A system's answers.

    Attributes:
        name: as the user named it.
        source: what that is: the workspace, a commit, a table.
        thresholds: which thresholds make the predictions, in words.
        rule: the thresholds' rule.
        clip_ids: (clips,), the rows of `answers`, sorted.
        answers: to the clips of the compared split.
        split: clip_id, split, recording_id of all clips, also those of other splits.
    """

    name: str
    source: str
    thresholds: str
    rule: Rule
    clip_ids: tuple[str, ...]
    answers: Answers
    split: pd.DataFrame


@dataclass(frozen=True)
class _Origin:
    """Where a side's files lie; `rule` is None for a bare table, which has no thresholds of its own."""

    name: str
    source: str
    root: Path
    scores: Path
    rule: Rule | None


def read_sides(a: str, b: str, *, repository: Path, split: str) -> tuple[Side, Side]:
    """Read both sides.

    A table of scores alone is judged by the workspace's labels and split, with thresholds chosen on its own validation
    scores: by the other side's rule, or where both are tables by that of params.yaml.

    Args:
        a: a Git revision, an experiment, "workspace", or the path of a table of scores, which ends in .csv.
        b: likewise.
        repository: the repository's root.
        split: "test" or "validation".

    Raises:
        ComparisonError: if a side cannot be had or does not hold together; the message begins with its name.
    """
    with tempfile.TemporaryDirectory(prefix="instrumentarium-compare-") as temporary:
        origins = [_find(name, repository, Path(temporary) / folder) for name, folder in ((a, "a"), (b, "b"))]
        rules = [origin.rule for origin in origins if origin.rule]
        sides = [_read(origin, rules[0] if rules else None, split) for origin in origins]
    return sides[0], sides[1]


def _find(name: str, repository: Path, folder: Path) -> _Origin:
    if name.endswith(".csv"):
        if not Path(name).is_file():
            raise ComparisonError(
                f"{name} does not exist; name a table as the score stage writes it, such as {SCORES_FILE}"
            )
        return _Origin(name, "table of scores", repository, Path(name), None)
    if name == WORKSPACE:
        root, source = repository, "the files as they are"
    else:
        root, source = folder, f"commit {fetch_revision(repository, name, folder)}"
    try:
        rule = Thresholds.read(root / THRESHOLDS_FILE).rule
    except UserError as error:
        raise ComparisonError(f"{name}: {error}") from error
    return _Origin(name, source, root, root / SCORES_FILE, rule)


def _read(origin: _Origin, other_rule: Rule | None, split: str) -> Side:
    try:
        return _judged(origin, other_rule, split)
    except (UserError, ValueError) as error:
        raise ComparisonError(f"{origin.name}: {error}") from error


def _judged(origin: _Origin, other_rule: Rule | None, split: str) -> Side:
    root = origin.root
    params = DeclaredParams(read_yaml(root / PARAMS_FILE), "compare")
    folders = sorted(path.parent for path in clips_folder(root).glob("*/clips.csv"))
    if not folders:
        raise ComparisonError(f"{clips_folder(root)} holds no corpus; run `dvc repro`")
    clips, table = read_clips(folders), SPLIT.read(root / SPLIT_FILE)
    absent: IrmasTrainAbsent = params.read("labels.irmas_train_absent", TypeAdapter(IrmasTrainAbsent))
    known = label_arrays(clips, SETTLED_LABELS.read(root / LABELS_FILE), irmas_train_absent=absent)
    parts = scored_splits(SCORES.read(origin.scores), clips, known, table, ("validation", "test"))
    validation, compared = parts["validation"], parts[split]
    choosing = validation.targets, validation.scores, validation.observed, validation.recordings
    own: Rule = params.read("evaluate.rule", TypeAdapter(Rule))
    rule = origin.rule or other_rule or own
    if split == "validation":
        predictions = cross_fitted_predictions(*choosing)[rule]
        thresholds = f"{rule}, cross-fitted over the validation recordings"
    elif origin.rule:
        predictions = Thresholds.read(root / THRESHOLDS_FILE).predict(compared.scores)
        thresholds = f"{rule}, its own from validation"
    else:
        predictions = choose_thresholds(*choosing, rule=rule).predict(compared.scores)
        thresholds = f"{rule}, chosen now on its validation scores"
    return Side(
        name=origin.name,
        source=origin.source,
        thresholds=thresholds,
        rule=rule,
        clip_ids=tuple(sorted(str(clip_id) for clip_id in table["clip_id"][table["split"] == split])),
        answers=Answers(compared, predictions),
        split=table,
    )
