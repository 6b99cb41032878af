"""Where a model comes from: a folder, or a revision or experiment of the DVC repository at hand."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from instrumentarium.clips.labels import FloatArray
from instrumentarium.evaluation.thresholds import Thresholds, ThresholdsError
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.errors import UserError

WORKSPACE = Path("data/model")
THRESHOLDS = "thresholds.json"


class UnknownModelError(UserError, ValueError):
    """Neither a folder with a model nor a revision that has one."""


def find_model(text: str) -> Path:
    """Return the folder of the model that `text` names: a path to it or into it, a Git revision, a DVC experiment.

    A revision's model is fetched from the DVC cache (or the default remote) once, into the user's cache.

    Raises:
        UnknownModelError: if it is none of them.
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
    limits = Thresholds.read(path)
    if set(limits.per_instrument) != set(codes):
        raise ThresholdsError(
            f"{path} has thresholds for {', '.join(limits.per_instrument)}, but the model's instruments are "
            f"{', '.join(codes)}; name the model's own with --thresholds, or run `dvc repro evaluate`"
        )
    return limits.vector(), limits.temperature


def _of_revision(name: str) -> Path:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import RevError, resolve_rev
    from dvc_data.index import DataIndexDirError

    unknown = f"{name} is neither a folder with a model nor a revision or experiment"
    try:
        with Repo() as repo:
            root, commit = repo.root_dir, resolve_rev(repo.scm, name)
    except RevError as error:
        raise UnknownModelError(f"{unknown} of this repository; `dvc exp show` and `git log` list those") from error
    except DvcException as error:
        raise UnknownModelError(f"{unknown}: there is no DVC repository here; go to its folder") from error
    kept: Path = cache_folder() / "models" / str(commit)
    if kept.exists():
        return kept / WORKSPACE.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept.parent) as staging:
        fetched = Path(staging) / "fetched"
        fetched.mkdir()
        try:
            files = DVCFileSystem(root, rev=commit)
            files.get(WORKSPACE.as_posix(), str(fetched / WORKSPACE.name), recursive=True)
            thresholds = (WORKSPACE.parent / THRESHOLDS).as_posix()
            if files.exists(thresholds):
                files.get(thresholds, str(fetched / THRESHOLDS))
        except (DvcException, DataIndexDirError, OSError) as error:
            raise UnknownModelError(
                f"the model of {name} ({commit[:7]}) cannot be had: {error}; run `dvc fetch` or make it with `dvc repro`"
            ) from error
        fetched.rename(kept)
    return kept / WORKSPACE.name
