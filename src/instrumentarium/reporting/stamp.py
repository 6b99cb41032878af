"""The commit on a report that left the pipeline: only a report that the commit's dvc.lock names gets it."""

import html
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.machine import Training, recall_training

PLACE = "<!--stamp-->"
"""Where the template leaves room."""
PAGE = Path("plots/report.html")
FIGURES = Path("plots/figures")
WEIGHTS = Path("data/model/model.safetensors")
TRAINED_ELSEWHERE = "Training time and hardware are not known: these weights were not trained on this machine."


class StampError(UserError, RuntimeError):
    """A report cannot be stamped with a commit."""


@dataclass(frozen=True)
class Origin:
    """Where a report comes from.

    Attributes:
        commit: 40 hexadecimal digits.
        recorded: whether the commit's dvc.lock holds the md5 of this report.
        dirty: whether tracked files differ from the commit.
    """

    commit: str
    recorded: bool
    dirty: bool

    def text(self) -> str:
        """Say it in one sentence."""
        if not self.recorded:
            return (
                f"Made after commit {self.commit}, with uncommitted changes: the dvc.lock of that commit records another "
                "report."
            )
        return f"Commit {self.commit}{', with uncommitted changes' if self.dirty else ''}."


def origin_of(page: Path, root: Path) -> Origin:
    """Ask Git where a report comes from.

    Args:
        page: the report that the pipeline made, below `root`.
        root: of the repository.

    Raises:
        StampError: if the report is missing, or Git, a repository or a commit is.
    """
    if not (root / page).exists():
        raise StampError(f"{page} is missing; run `dvc repro report`, or `dvc checkout` where it was made before")
    commit = _git(root, "rev-parse", "--verify", "HEAD").strip()
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    locked = _git(root, "show", "HEAD:dvc.lock") if _git(root, "ls-tree", "--name-only", "HEAD", "dvc.lock") else ""
    digest = md5_of_file(root / page)
    entry = re.compile(rf"path: {re.escape(page.as_posix())}\n\s+hash: md5\n\s+md5: {digest}\n")
    return Origin(commit=commit, recorded=bool(entry.search(locked)), dirty=bool(changes.strip()))


def stamped(page: str, origin: Origin, training: Training | None) -> str:
    """Return the page of the pipeline with lines that say where it comes from, and how the model was trained.

    Args:
        page: that the pipeline made.
        origin: of the page.
        training: of the model; None if nothing is known of it.

    Raises:
        StampError: if the page has no room for it, or more than one.
    """
    if page.count(PLACE) != 1:
        raise StampError(f"{PAGE} is no report of this version; run `dvc repro -f report`")
    lines = [origin.text(), training.text() if training else TRAINED_ELSEWHERE]
    return page.replace(PLACE, "\n".join(f'<p class="stamp">{html.escape(line)}</p>' for line in lines))


def training_of(root: Path) -> Training | None:
    """Return how the model of a repository was trained, if that was on this machine."""
    weights = root / WEIGHTS
    return recall_training(weights) if weights.exists() else None


def _git(root: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise StampError("git is not installed; the report names a commit, so it needs Git") from error
    except subprocess.CalledProcessError as error:
        raise StampError(
            f"`git {' '.join(arguments)}` failed: {error.stderr.strip()}; run from the root of a clone with a commit"
        ) from error
    return result.stdout
