"""What a comparison reads of a Git revision or a DVC experiment, laid out as it lies in the repository."""

from collections.abc import Iterable
from pathlib import Path

from instrumentarium.comparing.errors import ComparisonError
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS
from instrumentarium.runtime.revisions import RevisionError, UnknownRevisionError, open_revision
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, ParamsError, read_yaml

SCORES_FOLDER = Path("data/scores")
"""Holds a table for each system."""
THRESHOLDS_FILE = Path("data/thresholds.json")
SPLIT_FILE = Path("data/split.csv")
LABELS_FILE = Path("data/labels.csv")
TAXONOMY_FILE = Path("data/taxonomy.json")
CLIPS_FOLDER = Path("data/clips")
"""Holds a folder for each collection, and in that one for each corpus."""


def clips_folder(root: Path) -> Path:
    """Return the folder of the chosen collection's corpora, of the repository or its copy at `root`.

    Raises:
        ParamsError: if params.yaml is missing or names no collection.
    """
    params = DeclaredParams(read_yaml(root / PARAMS_FILE), "compare")
    return root / CLIPS_FOLDER / params.read("collection", str)


def fetch_revision(repository: Path, revision: str, system: str, folder: Path) -> str:
    """Copy what a comparison reads of `revision` into `folder`, under the same paths; return the commit's short id.

    Args:
        repository: a folder under Git and DVC.
        revision: a branch, tag, commit or experiment; where a branch and an experiment share a name, the branch is meant.
        system: whose scores to copy; none are needed of a trivial one.
        folder: an empty folder.

    Raises:
        ComparisonError: if there is no such revision or system, or a table was not made there, or is neither in DVC's
            cache nor in its remote.
    """
    try:
        with open_revision(repository, revision) as found:
            if system not in TRIVIAL_SYSTEMS:
                scores = SCORES_FOLDER / f"{system}.csv"
                if found.has(SCORES_FOLDER) and not found.has(scores):
                    raise unknown_system(revision, system, found.files(SCORES_FOLDER))
                found.fetch(scores, folder)
            for path in (PARAMS_FILE, THRESHOLDS_FILE, SPLIT_FILE, LABELS_FILE, TAXONOMY_FILE):
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


def unknown_system(source: str, system: str, files: Iterable[str]) -> ComparisonError:
    """Return the error of a system that is not among the tables of scores `files`, which says what there is."""
    there = [*sorted(Path(name).stem for name in files if name.endswith(".csv")), *TRIVIAL_SYSTEMS]
    return ComparisonError(f"{source} has no system {system!r}; there are {', '.join(there)}")
