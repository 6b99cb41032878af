"""The tables of a Git revision or a DVC experiment, laid out as they lie in the repository.

DVC's own file system finds them: what Git keeps in Git, the stages' outputs by dvc.lock in DVC's cache, else in its remote.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, ParamsError, read_yaml

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem

SCORES_FILE = Path("data/scores.csv")
THRESHOLDS_FILE = Path("data/thresholds.json")
SPLIT_FILE = Path("data/split.csv")
LABELS_FILE = Path("data/labels.csv")
CLIPS_FOLDER = Path("data/clips")
"""Holds a folder for each collection, and in that one for each corpus."""


def clips_folder(root: Path) -> Path:
    """Return the folder of the chosen collection's corpora, of the repository or its copy at `root`.

    Raises:
        ParamsError: if params.yaml is missing or names no collection.
    """
    params = DeclaredParams(read_yaml(root / PARAMS_FILE), "compare")
    return root / CLIPS_FOLDER / params.read("collection", str)


def fetch_revision(repository: Path, revision: str, folder: Path) -> str:
    """Copy what a comparison reads of `revision` into `folder`, under the same paths; return the commit's short id.

    Args:
        repository: a folder under Git and DVC.
        revision: a branch, tag, commit or experiment; where a branch and an experiment share a name, the branch is meant.
        folder: an empty folder.

    Raises:
        ComparisonError: if there is no such revision, or a table was not made there, or is neither in DVC's cache nor in
            its remote.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    files = DVCFileSystem(repo=str(repository), rev=revision)
    try:
        commit = str(files.repo.get_rev())[:7]
    except (DvcException, SCMError, OSError) as error:
        raise ComparisonError(
            f"{revision!r} is no revision, experiment or scores table here ({_cause(error)}); `git log` and "
            "`dvc exp list --all-commits` name them, `workspace` means the files as they are, a table ends in .csv"
        ) from error
    try:
        for path in (PARAMS_FILE, SCORES_FILE, THRESHOLDS_FILE, SPLIT_FILE, LABELS_FILE):
            _copy(files, path, folder, revision)
        try:
            corpora = clips_folder(folder).relative_to(folder)
        except ParamsError as error:
            raise ComparisonError(f"{revision}: {error}") from error
        for corpus in _folders(files, corpora, revision):
            _copy(files, corpora / corpus / "clips.csv", folder, revision)
    finally:
        files.close()
    return commit


def _copy(files: "DVCFileSystem", path: Path, folder: Path, revision: str) -> None:
    from dvc.exceptions import DvcException

    if not files.exists(path.as_posix()):
        raise ComparisonError(
            f"{revision} has no {path}: neither its commit nor its dvc.lock knows that file; check that revision out, "
            "run `dvc repro` and commit dvc.lock"
        )
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with files.open(path.as_posix(), "rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except (DvcException, OSError) as error:
        raise ComparisonError(
            f"{path} of {revision} was made, but it is neither in DVC's cache nor in a remote here ({_cause(error)}); "
            "if there is a remote, run `dvc fetch --all-commits`, or `dvc exp pull` for an experiment; else make it again: "
            "check that revision out and run `dvc repro`, or run the experiment anew with `dvc exp run`"
        ) from error


def _folders(files: "DVCFileSystem", path: Path, revision: str) -> list[str]:
    try:
        entries = files.ls(path.as_posix(), detail=True)
    except FileNotFoundError as error:
        raise ComparisonError(f"{revision} has no {path}; check it out and run `dvc repro`") from error
    return sorted(Path(entry["name"]).name for entry in entries if entry["type"] == "directory")


def _cause(error: BaseException) -> str:
    """The first line of an error's text, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]
