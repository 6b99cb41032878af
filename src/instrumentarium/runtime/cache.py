"""The user's cache: what outlives a checkout, and can be made again."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

VARIABLE = "INSTRUMENTARIUM_CACHE"


def cache_folder() -> Path:
    """Return $INSTRUMENTARIUM_CACHE, else the folder instrumentarium in $XDG_CACHE_HOME or in ~/.cache."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "instrumentarium"


def fingerprint(values: Mapping[str, object], files: Iterable[Path]) -> str:
    """Return a hash of `values` (anything JSON can write) and of the contents of `files`, in the order of their paths."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, allow_nan=False).encode())
    for path in sorted(files):
        digest.update(f"\0{path.name}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]
