"""Files of the user's, read where they lie: each is held against the size and md5 it had when it was listed."""

from pathlib import Path

from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.runtime.checksums import md5_of_bytes


def read_unchanged(path: Path, size: int, md5: str, corpus: str, listing: str) -> bytes:
    """Return the bytes of a file that `listing`, made by `download@corpus`, says the size and md5 of.

    Raises:
        ArchiveError: if it cannot be read, or its size or md5 is not the one given.
    """
    again = f"if that is meant, run `dvc repro --force --single-item download@{corpus}`, then `dvc repro`"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArchiveError(
            f"{path} was there when the {listing} was written, and cannot be read now ({error.strerror}); {again}"
        ) from error
    found = md5_of_bytes(data)
    if (len(data), found) != (size, md5):
        raise ArchiveError(
            f"{path} has changed since the {listing} was written: {size} bytes with md5 {md5} then, "
            f"{len(data)} bytes with md5 {found} now; {again}"
        )
    return data
