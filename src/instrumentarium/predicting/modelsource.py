"""Where a model comes from: a folder, or a revision or experiment of the DVC repository at hand."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from instrumentarium.clips.labels import FloatArray
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.revisions import UnknownRevisionError, open_revision

WORKSPACE = Path("data/model")
THRESHOLDS = "thresholds.json"


class UnknownModelError(UserError, ValueError):
    """Neither a folder with a model nor a revision that has one."""


def find_model(text: str) -> Path:
    """Return the folder of the model that `text` names: a path to it or into it, a Git revision, a DVC experiment.

    A revision's model is fetched from the DVC cache (or the default remote) once, into the user's cache.

    Raises:
        UnknownModelError: if it is none of them.
        RevisionError: if the revision has no model, or its files are not to be had here.
    """
    path = Path(text)
    if path.is_dir() or path == WORKSPACE:
        return path
    if path.name in {"model.json", "model.safetensors"} and path.is_file():
        return path.parent
    return _of_revision(text)


def thresholds_of(folder: Path) -> Path:
    """Return where a model's thresholds lie: in its folder, or else beside it, where the evaluate stage writes them."""
    inside = folder / THRESHOLDS
    return inside if inside.exists() else folder.absolute().parent / THRESHOLDS


def read_thresholds(path: Path, codes: Sequence[str]) -> tuple[FloatArray, float]:
    """Return the thresholds of a model's instruments `codes`, (instruments,), and the temperature of its scores.

    Raises:
        MissingThresholdsError: if the file is missing.
        ThresholdsError: if it is something else, or for other instruments.
    """
    limits = Thresholds.read(path, codes)
    return limits.vector(), limits.temperature


def _of_revision(name: str) -> Path:
    try:
        with open_revision(Path(), name) as revision:
            kept = cache_folder() / "models" / revision.commit
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept.parent) as staging:
                    revision.fetch(WORKSPACE, Path(staging))
                    thresholds = WORKSPACE.parent / THRESHOLDS
                    if revision.has(thresholds):
                        revision.fetch(thresholds, Path(staging))
                    (Path(staging) / WORKSPACE.parent).rename(kept)
    except UnknownRevisionError as error:
        raise UnknownModelError(f"{name} is no folder with a model, and {error}") from error
    return kept / WORKSPACE.name
