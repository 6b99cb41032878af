import json
from pathlib import Path

import numpy as np
import pytest
from comparing.simulated import Workspace

from instrumentarium.clips.collection import read_clips
from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.sides import Side, read_sides
from instrumentarium.evaluation import evaluate
from instrumentarium.evaluation.choosing import choose_thresholds
from instrumentarium.evaluation.headline import headline
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
from taxonomies import IRMAS11


def read(a: str, b: str, split: str = "test") -> tuple[Side, Side]:
    return read_sides(a, b, repository=Path(), split=split)


def test_thresholds_of_the_workspace_are_its_own(workspace: Workspace) -> None:
    side, _ = read("workspace", "workspace")
    thresholds = Thresholds.read(workspace.root / "data/thresholds.json")
    np.testing.assert_array_equal(side.answers.predictions, thresholds.predict(side.answers.scored.scores))
    assert side.rule == "per_instrument"
    assert side.source == "the files as they are"
    assert list(side.clip_ids) == sorted(side.clip_ids)
    assert len(side.clip_ids) == 24  # 8 of 24 songs are test, 3 clips each


def test_a_table_has_thresholds_of_its_own_validation_by_the_other_sides_rule(workspace: Workspace) -> None:
    workspace.run(seed=1, rule="global")
    workspace.scores(seed=2).to_csv("other.csv", index=False)
    for order in (("workspace", "other.csv"), ("other.csv", "workspace")):
        side = next(each for each in read(*order) if each.name == "other.csv")
        validation = next(each for each in read("other.csv", "other.csv", "validation") if each.name == "other.csv")
        scored = validation.answers.scored
        chosen = choose_thresholds(
            scored.targets, scored.scores, scored.observed, scored.recordings, codes=scored.codes, rule="global"
        )
        assert side.rule == "global"
        np.testing.assert_array_equal(side.answers.predictions, chosen.predict(side.answers.scored.scores))


def test_two_tables_take_the_rule_of_params(workspace: Workspace) -> None:
    workspace.run(seed=1, rule="fixed")
    side, other = read("data/scores/model.csv", "data/scores/model.csv")
    assert side.rule == other.rule == "fixed"
    np.testing.assert_array_equal(side.answers.predictions, side.answers.scored.scores >= 0.5)


def test_thresholds_for_validation_come_from_other_recordings(workspace: Workspace) -> None:
    side, _ = read("workspace", "workspace", "validation")
    frozen = Thresholds.read(workspace.root / "data/thresholds.json").predict(side.answers.scored.scores)
    assert (side.answers.predictions != frozen).any()
    assert "cross-fitted" in side.thresholds


def test_a_table_that_does_not_exist(workspace: Workspace) -> None:
    with pytest.raises(ComparisonError, match=r"nowhere\.csv does not exist; name a table as the score stage"):
        read("workspace", "nowhere.csv")


def test_a_table_that_is_none(workspace: Workspace) -> None:
    Path("other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ComparisonError, match=r"other\.csv: other\.csv is no scores table: missing columns"):
        read("workspace", "other.csv")


def test_scores_of_other_clips(workspace: Workspace) -> None:
    workspace.scores(seed=2).iloc[1:].to_csv("other.csv", index=False)
    with pytest.raises(ComparisonError, match=r"other\.csv: 1 of 48 clips have no scores"):
        read("workspace", "other.csv")


@pytest.mark.parametrize("name", ["scores/model.csv", "thresholds.json", "split.csv", "labels.csv", "taxonomy.json"])
def test_a_workspace_without_one_of_its_files(workspace: Workspace, name: str) -> None:
    (workspace.root / "data" / name).unlink()
    with pytest.raises(ComparisonError, match=rf"workspace: data/{name} is missing; run `dvc repro"):
        read("workspace", "workspace")


def test_a_workspace_without_corpora(workspace: Workspace) -> None:
    (workspace.root / "data/clips/tiny/irmas/clips.csv").unlink()
    with pytest.raises(ComparisonError, match="workspace: data/clips/tiny holds no corpus; run `dvc repro`"):
        read("workspace", "workspace")


def test_a_workspace_without_parameters(workspace: Workspace) -> None:
    Path("params.yaml").unlink()
    with pytest.raises(ComparisonError, match=r"workspace: params\.yaml is missing"):
        read("workspace", "workspace")


def test_broken_thresholds(workspace: Workspace) -> None:
    Path("data/thresholds.json").write_text(json.dumps({"rule": "global"}))
    with pytest.raises(ComparisonError, match=r"workspace: .*thresholds\.json does not hold thresholds"):
        read("workspace", "workspace")


def test_systems_of_the_workspace_are_named_behind_a_colon(workspace: Workspace) -> None:
    workspace.scores(seed=2).to_csv("data/scores/theirs.csv", index=False)
    workspace.scores(seed=2).to_csv("theirs.csv", index=False)
    model, theirs = read("workspace:model", "workspace:theirs")
    same, table = read("workspace", "theirs.csv")
    for one, other in ((model, same), (theirs, table)):
        np.testing.assert_array_equal(one.answers.predictions, other.answers.predictions)
    assert theirs.thresholds == "per_instrument, chosen now on its validation scores"
    zeros, ones = read("workspace:all_zeros", "workspace:all_ones")
    assert not zeros.answers.predictions.any()
    assert ones.answers.predictions.all()
    with pytest.raises(
        ComparisonError, match="workspace has no system 'random_forest'; there are model, theirs, all_z"
    ):
        read("workspace", "workspace:random_forest")


def test_a_trivial_system_is_the_one_that_evaluate_lists(workspace: Workspace) -> None:
    root = workspace.root
    found = evaluate(
        {"model": scores_table(IRMAS11).read(root / "data/scores/model.csv")},
        read_clips([root / "data/clips/tiny/irmas"]),
        resolved_labels_table(IRMAS11).read(root / "data/labels.csv"),
        SPLIT.read(root / "data/split.csv"),
        IRMAS11,
        rule="per_instrument",
        irmas_train_absent="negative",
        resamples=100,
        seed=3,
    )
    for name in ("label_prior", "random"):
        side, _ = read(f"workspace:{name}", "workspace")
        values = headline(side.answers.scored, side.answers.predictions)
        assert values.items() <= found.systems[name].splits["test"].items()
