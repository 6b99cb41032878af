"""What a comparison reads of a Git revision or a DVC experiment, laid out as it lies in the repository."""

from pathlib import Path

from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.runtime.revisions import RevisionError, UnknownRevisionError, open_revision
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, ParamsError, read_yaml

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
    try:
        with open_revision(repository, revision) as found:
            for path in (PARAMS_FILE, SCORES_FILE, THRESHOLDS_FILE, SPLIT_FILE, LABELS_FILE):
                found.fetch(path, folder)
            corpora = clips_folder(folder).relative_to(folder)
            for corpus in found.folders(corpora):
                found.fetch(corpora / corpus / "clips.csv", folder)
            return found.short
    except UnknownRevisionError as error:
        raise ComparisonError(f"{error}, `workspace` means the files as they are, a table ends in .csv") from error
    except RevisionError as error:
        raise ComparisonError(str(error)) from error
    except ParamsError as error:
        raise ComparisonError(f"{revision}: {error}") from error
