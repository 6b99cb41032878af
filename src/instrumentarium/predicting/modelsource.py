"""Where a model comes from: a folder, a revision or experiment of the DVC repository at hand, a hub, or the package."""

import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from instrumentarium.clips.labels import FloatArray
from instrumentarium.evaluation.thresholds import Thresholds, ThresholdsError
from instrumentarium.models.modelfile import ModelFileError, check_files
from instrumentarium.predicting.hub import PREFIX, fetch_from_hub
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.revisions import UnknownRevisionError, open_revision
from instrumentarium.runtime.workspace import workspace_root

WORKSPACE = Path("data/model")
THRESHOLDS = "thresholds.json"
FILES = ("model.json", "model.safetensors")
README = "README.md"
"""Of a published or the shipped model: its model card, for people."""
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
"""The model that comes with the package; its README.md says what it is, how it was made and what it cannot do."""

logger = logging.getLogger(__name__)


class UnknownModelError(UserError, ValueError):
    """Neither a folder with a model nor a revision that has one."""


def default_model() -> Path:
    """Return the folder of the workspace's model, data/model, or else of the one that the package ships.

    Which it is, is never left open: a line is logged where it is the shipped one. A folder with a part of a model is taken
    for the workspace's, so that a damaged model is an error and no other one answers in its place.
    """
    trained = find_model(str(WORKSPACE))
    if any((trained / name).exists() for name in FILES):
        return trained
    logger.warning(
        "%s holds no trained model: this is the small one that comes with instrumentarium (`instrumentarium describe` "
        "tells more, --model takes another)",
        trained,
    )
    return SHIPPED


def find_model(text: str) -> Path:
    """Return the folder of the model that `text` names.

    That is a path to it or into it, a Git revision, a DVC experiment, or `hf:owner/name[@revision]` of a hub.
    The workspace's model, data/model, is found from any folder of the repository. A revision's model is fetched from the
    DVC cache (or the default remote) into the user's cache: once, and again where it is damaged there.

    Raises:
        UnknownModelError: if it is none of them.
        RevisionError: if the revision has no model, or its files are not to be had here.
        HubError: if the hub has no such model, or cannot be reached.
    """
    if text.startswith(PREFIX):
        return fetch_from_hub(text)
    path = Path(text)
    if path.is_dir():
        return path
    if path == WORKSPACE:
        return workspace_root() / WORKSPACE
    if path.name in FILES and path.is_file():
        return path.parent
    return _of_revision(text)


def thresholds_of(folder: Path) -> Path:
    """Return where a model's thresholds lie: in its folder, or else beside it, where the evaluate stage writes them."""
    inside = folder / THRESHOLDS
    return inside if inside.exists() else folder.absolute().parent / THRESHOLDS


def read_thresholds(path: Path, codes: Sequence[str], model_sha256: str | None = None) -> tuple[FloatArray, float]:
    """Return the thresholds of a model's instruments `codes`, (instruments,), and the temperature of its scores.

    Args:
        path: of the file.
        codes: of the model's instruments.
        model_sha256: what model.json says of itself; thresholds that were chosen for another model are refused.

    Raises:
        MissingThresholdsError: if the file is missing.
        ThresholdsError: if it is damaged, something else, or for other instruments or another model.
    """
    limits = Thresholds.read(path, codes)
    if model_sha256 is not None and limits.model_sha256 not in {None, model_sha256}:
        raise ThresholdsError(
            f"{path} holds thresholds of another model ({str(limits.model_sha256)[:12]}…, this one is "
            f"{model_sha256[:12]}…); run `dvc repro evaluate`, or name thresholds of your choice with --thresholds"
        )
    return limits.vector(), limits.temperature


def _of_revision(name: str) -> Path:
    try:
        with open_revision(Path(), name) as revision:
            kept = cache_folder() / "models" / revision.commit
            if kept.exists() and not _is_sound(kept):
                shutil.rmtree(kept)
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


def _is_sound(kept: Path) -> bool:
    """Return whether a revision's model in the user's cache is what was trained; say so if not."""
    folder = kept / WORKSPACE.name
    try:
        check_files(folder)
        if (limits := thresholds_of(folder)).exists():
            Thresholds.read(limits)
    except (ModelFileError, ThresholdsError, FileNotFoundError) as error:
        logger.warning("fetched again: %s", str(error).partition("; ")[0])
        return False
    return True
