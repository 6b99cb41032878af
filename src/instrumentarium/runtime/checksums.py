"""The md5 of files and bytes: what publishers state, and what DVC writes into dvc.lock. No protection against malice.

Files of our own that nobody else names have sha256.
"""

import hashlib
from pathlib import Path


def md5_of_file(path: Path) -> str:
    """Return the md5 of a file's content.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of a file's content.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of_bytes(data: bytes | memoryview) -> str:
    """Return the md5 of bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
