"""JSON files that notice damage: the key `sha256` holds a digest of all the other content.

The digest is of the content, not of the bytes: keys sorted, nothing between them. So spaces and line ends don't count, and
any other change does. It notices accidents, and is no protection against malice.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.jsonfile import JsonError, parse_json

SEAL = "sha256"


class DamagedFileError(UserError, ValueError):
    """A file whose content is no JSON, or not what was written; `reason` is the message without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def read_json(path: Path) -> object:
    """Return the content of a JSON file.

    Raises:
        DamagedFileError: if it is no strict JSON (see `jsonfile.parse_json`).
        OSError: if it cannot be read.
    """
    try:
        return parse_json(path.read_bytes())
    except JsonError as error:
        raise DamagedFileError(path, f"it is no JSON: {error}") from error


def sealed(content: Mapping[str, object]) -> dict[str, object]:
    """Return `content` with its seal."""
    return {**content, SEAL: _digest(content)}


def unseal(content: Mapping[str, object], path: Path) -> tuple[dict[str, object], str | None]:
    """Return the content of the file `path` without its seal, and the seal; None where it has none.

    Raises:
        DamagedFileError: if the seal is of another content.
    """
    rest = {key: value for key, value in content.items() if key != SEAL}
    if SEAL not in content:
        return rest, None
    said, found = content[SEAL], _digest(rest)
    if said != found:
        raise DamagedFileError(
            path,
            f"it is damaged or was changed: the {SEAL} of its content is {found[:12]}…, and it says {str(said)[:12]}…",
        )
    return rest, found


def read_seal(path: Path) -> str:
    """Return the seal of a sealed JSON file.

    Raises:
        DamagedFileError: if it is no JSON, has no seal or is not what was sealed.
        OSError: if it cannot be read.
    """
    content = read_json(path)
    seal = unseal(content, path)[1] if isinstance(content, Mapping) else None
    if seal is None:
        raise DamagedFileError(
            path, f"it lacks {SEAL}, which it has since damage is noticed; make it again with `dvc repro`"
        )
    return seal


def sha256_of(data: bytes) -> str:
    """Return the sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def _digest(content: Mapping[str, object]) -> str:
    return sha256_of(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii"))
