"""Git revisions and experiments, in a repository whose tables DVC keeps."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from comparing.simulated import Workspace, make_workspace
from pipeline.checkout import Checkout, environment
from typer.testing import CliRunner

from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.comparing.sides import Side, read_sides

TABLES = (
    "data/scores/model.csv",
    "data/split.csv",
    "data/labels.csv",
    "data/clips/tiny/irmas/clips.csv",
    "data/thresholds.json",
    "data/taxonomy.json",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a repository: a first commit without results, `worse`, then `main`; an experiment `tried`; a remote."""
    folder = tmp_path_factory.mktemp("compare")
    checkout = Checkout(folder / "repository", environment(folder))
    workspace = make_workspace(checkout.root)
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.dvc("init", "--quiet")
    checkout.dvc("remote", "add", "-d", "store", str(folder / "store"))
    checkout.git("add", "params.yaml", ".dvc")
    checkout.git("commit", "--quiet", "--message", "Begin")
    checkout.git("tag", "empty")
    for seed, skill, tag in ((1, 1.0, "worse"), (2, 4.0, "better")):
        workspace.run(seed=seed, skill=skill)
        checkout.dvc("add", "--quiet", *TABLES)
        checkout.commit()
        checkout.git("tag", tag)
    checkout.dvc("push", "--quiet", "--all-tags")
    workspace.run(seed=3, skill=3.0)
    checkout.dvc("add", "--quiet", *TABLES)
    checkout.dvc("exp", "save", "--quiet", "--name", "tried")
    checkout.git("restore", ".")
    checkout.dvc("checkout", "--quiet")
    return checkout


@pytest.fixture
def repository(made: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """Return a copy of it that is the current folder."""
    copy = Checkout(tmp_path / "repository", made.environment)
    shutil.copytree(made.root, copy.root, symlinks=True)
    monkeypatch.chdir(copy.root)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, made.environment[name])
    yield copy
    shutil.rmtree(copy.root)


def read(a: str, b: str) -> tuple[Side, Side]:
    return read_sides(a, b, repository=Path(), split="test")


def test_revisions_experiments_and_the_workspace_are_distinguished(repository: Checkout) -> None:
    Workspace(repository.root).run(seed=9)
    scores = {name: read(name, name)[0].answers.scored.scores for name in ("worse", "better", "tried", "workspace")}
    assert len({each.tobytes() for each in scores.values()}) == 4
    commit = repository.git("rev-parse", "--short=7", "worse").strip()
    assert read("worse", "tried")[0].source == f"commit {commit}"
    for same in (commit, "HEAD~1", "better~1"):
        assert read(same, same)[0].answers.scored.scores.tobytes() == scores["worse"].tobytes()


def test_a_comparison_of_two_revisions_leaves_the_repository_as_it_was(repository: Checkout) -> None:
    from instrumentarium.commands.app import app

    result = CliRunner().invoke(app, ["compare", "worse", "tried", "--resamples", "200", "--permutations", "199"])
    assert result.exit_code == 0, result.output
    assert "this is real" in result.stdout
    assert "B has a macro F1" in result.stdout
    assert repository.changes() == ""


def test_what_the_cache_lost_comes_from_the_remote(repository: Checkout) -> None:
    shutil.rmtree(repository.path(".dvc/cache"))
    assert read("worse", "better")[0].answers.scored.scores.shape == (24, 11)


def test_what_neither_cache_nor_remote_has_is_refused(repository: Checkout) -> None:
    shutil.rmtree(repository.path(".dvc/cache"))
    with pytest.raises(ComparisonError, match=r"data/\S+ of tried was made, but .*`dvc exp pull`.*`dvc exp run`"):
        read("better", "tried")


def test_a_revision_that_made_nothing_is_refused(repository: Checkout) -> None:
    with pytest.raises(ComparisonError, match=r"empty has no data/scores/model\.csv: .*commit dvc\.lock"):
        read("empty", "better")


def test_a_revision_that_does_not_exist_is_refused(repository: Checkout) -> None:
    with pytest.raises(ComparisonError, match="'nonsense' is no revision or experiment of this repository"):
        read("nonsense", "better")


def test_a_git_repository_without_dvc_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, env=os.environ | environment(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ComparisonError, match="'main' is no revision"):
        read("main", "workspace")


def test_a_system_of_a_revision_is_named_behind_a_colon(repository: Checkout) -> None:
    (repository.root / "data/scores/model.csv").rename(repository.root / "data/scores/theirs.csv")
    model, random = read("worse", "worse:random")
    assert (model.name, random.name, model.source) == ("worse", "worse:random", random.source)
    assert (model.answers.scored.scores != random.answers.scored.scores).mean() > 0.9
    with pytest.raises(ComparisonError, match="worse has no system 'theirs'; there are model, all_zeros, all_ones"):
        read("worse:theirs", "worse")
