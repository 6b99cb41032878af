"""A model of a hub: its description, weights and thresholds, fetched once into the user's cache.

Nothing else of the repository is fetched, so no pickle and no code; what came is held against the seals in model.json.
"""

import os
import re
from pathlib import Path

from instrumentarium.models.modelfile import MissingModelError, ModelFileError, check_files
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.errors import UserError

PREFIX = "hf:"
WANTED = ("model.json", "model.safetensors", "thresholds.json")
_ADDRESS = re.compile(r"hf:(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


class HubError(UserError, ValueError):
    """A model of a hub that is not to be had; the message says what to do."""


def fetch_from_hub(text: str) -> Path:
    """Return the folder of the model `hf:owner/name[@revision]`, from the hub at $HF_ENDPOINT or the public one.

    Files that are in the user's cache are not fetched again, and serve where the hub cannot be reached.

    Raises:
        HubError: if `text` is no such address, the extra "publish" is missing, the hub cannot be reached, has no such
            model or revision, or what it has is no model or is damaged.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise HubError(f"{text} is no model of a hub; write hf:owner/name or hf:owner/name@revision")
    try:
        import httpx
        from huggingface_hub import errors, snapshot_download
    except ImportError as error:
        raise HubError(f"{text} needs the extra: pip install 'instrumentarium[publish]'") from error

    def download(*, again: bool = False) -> Path:
        return Path(
            snapshot_download(
                found["name"],
                revision=found["revision"],
                cache_dir=cache_folder() / "hub",
                allow_patterns=list(WANTED),
                endpoint=os.environ.get("HF_ENDPOINT"),
                library_name="instrumentarium",
                force_download=again,
            )
        )

    try:
        folder = download()
        try:
            check_files(folder)
        except ModelFileError:  # a cache that was damaged
            folder = download(again=True)
            check_files(folder)
    except errors.GatedRepoError as error:
        raise HubError(
            f"{text} is given only to who was granted access: ask for it there, then `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"the hub has no model {found['name']}, or shows it only to its owner (`hf auth login`)"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{found['name']} has no revision {found['revision']} on the hub") from error
    except errors.HFValidationError as error:
        raise HubError(f"{text} is no model of a hub: {error}") from error
    except MissingModelError as error:
        raise HubError(
            f"{found['name']} on the hub is no model of instrumentarium: it lacks {_missing(folder)} (`instrumentarium "
            "publish` writes such a folder)"
        ) from error
    except ModelFileError as error:
        raise HubError(f"{text}: {str(error).partition('; ')[0]}; so it was published, tell its owner") from error
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        where = os.environ.get("HF_ENDPOINT") or "the hub"
        raise HubError(
            f"{text} cannot be fetched from {where} ({_reason(error)}), and it is not in the cache; check the network, or "
            "copy the model's folder here and name it with --model DIR"
        ) from error
    return folder


def _missing(folder: Path) -> str:
    return " and ".join(name for name in WANTED[:2] if not (folder / name).exists())


def _reason(error: BaseException) -> str:
    """Return the first line of what went wrong at the bottom."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).splitlines() or [type(error).__name__])[0]
