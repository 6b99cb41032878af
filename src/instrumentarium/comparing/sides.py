"""One side of a comparison: a system's answers to the clips of a split, and where they come from."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from instrumentarium.clips.collection import read_clips
from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.clips.scored import join_scores
from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.revisions import (
    LABELS_FILE,
    SCORES_FOLDER,
    SPLIT_FILE,
    TAXONOMY_FILE,
    THRESHOLDS_FILE,
    clips_folder,
    fetch_revision,
    unknown_system,
)
from instrumentarium.evaluation.predictions import ScoredSplits, predict_splits
from instrumentarium.evaluation.significance import Answers
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.evaluation.thresholds import RULE, Rule, Thresholds
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS, trivial_system
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, Seed, read_yaml
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy

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
        names: instrument's code to name.
    """

    name: str
    source: str
    thresholds: str
    rule: Rule
    clip_ids: tuple[str, ...]
    answers: Answers
    split: pd.DataFrame
    names: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class _Origin:
    """Where a side's files lie.

    Attributes:
        name: as the user named it.
        source: what that is.
        root: of the repository, or of what was copied of a revision.
        system: in the scores' folder, or a trivial one; None for a bare table.
        table: the bare table; None for a system.
        rule: of the thresholds there; None for a bare table, which has none of its own.
    """

    name: str
    source: str
    root: Path
    system: str | None
    table: Path | None
    rule: Rule | None


def read_sides(*names: str, repository: Path, split: str) -> list[Side]:
    """Read all sides.

    A table of scores alone is evaluated with the workspace's labels and split, with thresholds chosen on its own validation
    scores: by the rule of the first other side that has one, or where all are tables by that of params.yaml.

    Args:
        names: each a Git revision, an experiment or "workspace", with ":" and a system behind it where that is not the
            model; or the path of a table of scores, which ends in .csv.
        repository: the repository's root.
        split: "test" or "validation".

    Raises:
        ComparisonError: if a side cannot be had or does not hold together; the message begins with its name.
    """
    with tempfile.TemporaryDirectory(prefix="instrumentarium-compare-") as temporary:
        origins = [_find(name, repository, Path(temporary) / str(place)) for place, name in enumerate(names)]
        rules = [origin.rule for origin in origins if origin.rule]
        return [_read(origin, rules[0] if rules else None, split) for origin in origins]


def _find(name: str, repository: Path, folder: Path) -> _Origin:
    if name.endswith(".csv"):
        if not Path(name).is_file():
            raise ComparisonError(
                f"{name} does not exist; name a table as the score stage writes it, such as {SCORES_FOLDER / MODEL}.csv"
            )
        return _Origin(name, "table of scores", repository, None, Path(name), None)
    revision, _, named = name.partition(":")
    system = named or MODEL
    if revision == WORKSPACE:
        root, source = repository, "the files as they are"
        files = [path.name for path in (root / SCORES_FOLDER).glob("*.csv")]
        if system not in TRIVIAL_SYSTEMS and files and f"{system}.csv" not in files:
            raise unknown_system(revision, system, files)
    else:
        root, source = folder, f"commit {fetch_revision(repository, revision, system, folder)}"
    try:
        rule = Thresholds.read(root / THRESHOLDS_FILE).rule
    except UserError as error:
        raise ComparisonError(f"{name}: {error}") from error
    return _Origin(name, source, root, system, None, rule)


def _read(origin: _Origin, other_rule: Rule | None, split: str) -> Side:
    try:
        return _predicted(origin, other_rule, split)
    except (UserError, ValueError) as error:
        raise ComparisonError(f"{origin.name}: {error}") from error


def _predicted(origin: _Origin, other_rule: Rule | None, split: str) -> Side:
    root = origin.root
    params = DeclaredParams(read_yaml(root / PARAMS_FILE), "compare")
    table, taxonomy = SPLIT.read(root / SPLIT_FILE), read_taxonomy(root / TAXONOMY_FILE)
    test, validation = _scored(origin, params, table, taxonomy)
    own: Rule = params.read("evaluate.rule", RULE)
    rule = origin.rule or other_rule or own
    _, predicted = predict_splits((test, validation), rule)
    scored, predictions = predicted[split][0], predicted[split][1].chosen
    if split == "validation":
        thresholds = f"{rule}, cross-fitted over the validation recordings"
    elif origin.system == MODEL:
        predictions = Thresholds.read(root / THRESHOLDS_FILE, taxonomy.codes).predict(scored.scores)
        thresholds = f"{rule}, its own from validation"
    else:
        thresholds = f"{rule}, chosen now on its validation scores"
    return Side(
        name=origin.name,
        source=origin.source,
        thresholds=thresholds,
        rule=rule,
        clip_ids=tuple(scored.clip_ids.tolist()),
        answers=Answers(scored, predictions),
        split=table,
        names=taxonomy.names,
    )


def _scored(origin: _Origin, params: DeclaredParams, split: pd.DataFrame, taxonomy: Taxonomy) -> ScoredSplits:
    folder = clips_folder(origin.root)
    folders = sorted(path.parent for path in folder.glob("*/clips.csv"))
    if not folders:
        raise ComparisonError(f"{folder} holds no corpus; run `dvc repro`")
    clips = read_clips(folders)
    absent: IrmasTrainAbsent = params.read("labels.irmas_train_absent", TypeAdapter(IrmasTrainAbsent))
    labels = resolved_labels_table(taxonomy).read(origin.root / LABELS_FILE)
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent=absent)
    trivial = origin.system if origin.system in TRIVIAL_SYSTEMS else None
    if trivial:
        wanted = split["clip_id"][split["split"].isin(("validation", "test"))]
        scores = pd.DataFrame({"clip_id": wanted, **dict.fromkeys(taxonomy.codes, 0.0)})
    else:
        path = origin.table or origin.root / SCORES_FOLDER / f"{origin.system}.csv"
        scores = scores_table(taxonomy).read(path)
    joined = join_scores(scores, clips, known, split, taxonomy.codes)
    found = joined.of_split("test"), joined.of_split("validation")
    return trivial_system(trivial, *found, params.read("seed", Seed)) if trivial else found
