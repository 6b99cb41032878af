"""More than two systems: each one's metrics, as evaluate has them, their mean and deviation."""

import json
from pathlib import Path

import numpy as np
import pytest
from comparing.simulated import Workspace
from typer.testing import CliRunner, Result

from instrumentarium.commands.app import app
from instrumentarium.comparing.runs import METRICS, Runs
from instrumentarium.comparing.sides import read_sides
from instrumentarium.evaluation.headline import headline

TABLES = ("one.csv", "two.csv", "three.csv")


def compare(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words])


@pytest.fixture
def tables(workspace: Workspace) -> tuple[str, ...]:
    """Return three tables of scores, of runs that are about as good as one another."""
    for seed, name in enumerate(TABLES):
        workspace.scores(seed=seed).to_csv(name, index=False)
    return TABLES


def test_each_run_has_the_metrics_that_it_has_alone(tables: tuple[str, ...]):
    result = compare(*tables, "--format", "json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert [run["name"] for run in content["runs"]] == list(tables)
    assert list(content["metrics"]) == list(METRICS)
    assert (content["split"], content["clips"]) == ("test", 24)
    for place, name in enumerate(tables):
        (side,) = read_sides(name, repository=Path(), split="test")
        alone = headline(side.answers.scored, side.answers.predictions)
        for key in METRICS:
            assert content["metrics"][key]["runs"][place] == alone[key]
    for found in content["metrics"].values():
        assert found["mean"] == pytest.approx(np.mean(found["runs"]))
        assert found["deviation"] == pytest.approx(np.std(found["runs"], ddof=1))
    assert content["metrics"]["map_macro"]["deviation"] > 0


def test_the_table_has_a_row_a_run_then_mean_and_deviation(tables: tuple[str, ...]):
    lines = compare("workspace", *tables).stdout.splitlines()
    assert lines[0] == "4 runs on 24 test clips"
    assert lines[2].split("  ")[-1].strip() == "Hamming"
    assert [line.split()[0] for line in lines[3:]] == ["workspace", *tables, "mean", "deviation"]
    assert {len(line) for line in lines[2:]} == {len(lines[2])}
    values = np.array([[float(cell) for cell in line.split()[1:]] for line in lines[3:]])
    assert values.shape == (6, 7)
    np.testing.assert_allclose(values[4], values[:4].mean(axis=0), atol=1.1e-3)
    np.testing.assert_allclose(values[5], values[:4].std(axis=0, ddof=1), atol=1.1e-3)


def test_runs_that_are_the_same_do_not_deviate(tables: tuple[str, ...]):
    content = json.loads(compare(*[tables[0]] * 3, "--format", "json").stdout)
    assert all(found["deviation"] == pytest.approx(0, abs=1e-12) for found in content["metrics"].values())


def test_an_undefined_value_leaves_mean_and_deviation_undefined():
    runs = Runs(("a", "b", "c"), ("", "", ""), "test", 3, {"f1_macro": (0.5, None, 0.7)})
    assert runs.mean("f1_macro") is None
    assert runs.deviation("f1_macro") is None


def test_a_run_that_is_not_there_is_named(tables: tuple[str, ...]):
    result = compare(*tables, "nowhere.csv")
    assert result.exit_code == 2
    assert "nowhere.csv does not exist" in result.stderr


def test_only_two_can_be_drawn(tables: tuple[str, ...]):
    result = compare(*tables, "--plot", "plot.png")
    assert result.exit_code == 2
    assert "differences can be drawn of two systems only" in result.output
