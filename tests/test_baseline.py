"""`make repro` ends by saying how to make a run the baseline, if it differs from the committed one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def said(folder: Path) -> str:
    run = subprocess.run(
        [sys.executable, ROOT / ".ci" / "baseline.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    return run.stdout + run.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a committed run."""
    (tmp_path / "metrics").mkdir()
    for name in ("dvc.lock", "metrics/evaluate.json", "notes.txt"):
        (tmp_path / name).write_text("as committed\n")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (["init", "--quiet"], ["add", "-A"], [*author, "commit", "--quiet", "--message", "Record a run"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("name", ["dvc.lock", "metrics/evaluate.json"])
def test_a_run_that_differs_is_to_be_committed(repository: Path, name: str) -> None:
    (repository / name).write_text("by another processor\n")
    assert 'git add -A && git commit -m "Record the baseline of this machine"' in said(repository)


def test_a_run_like_the_committed_one_needs_no_word(repository: Path) -> None:
    (repository / "notes.txt").write_text("an edit of the user's own\n")
    assert said(repository) == ""


def test_without_a_repository_nothing_is_said(tmp_path: Path) -> None:
    assert said(tmp_path) == ""


def test_make_repro_ends_with_it() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrepro:")[2].partition("\n\n")[0]
    assert recipe.splitlines()[-1].endswith(".ci/baseline.py")
