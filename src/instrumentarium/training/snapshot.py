"""The snapshot that an interrupted training goes on from, and the checksum that tells it from a damaged one.

torch reads a snapshot whose weights have a bit flipped, or a page of zeros, without a word: its own checksums go unread.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from instrumentarium.runtime.checksums import sha256_of_file
from instrumentarium.runtime.files import atomic_path, write_text_atomically

logger = logging.getLogger(__name__)

SNAPSHOT = "last.ckpt"
SEALS = "last.sha256"
"""The checksums of the snapshot and of the one before it, a line each."""


@contextlib.contextmanager
def write_snapshot(folder: Path) -> Iterator[Path]:
    """Yield a temporary path for the new snapshot of `folder`; on success it replaces the earlier one, for good.

    Its checksum is there before it is, beside the earlier one's, so that a kill between the two leaves one that counts.
    """
    snapshot = folder / SNAPSHOT
    with atomic_path(snapshot, durable=True) as temporary:
        yield temporary
        paths = [temporary, *([snapshot] if snapshot.exists() else [])]
        seals = "".join(f"{sha256_of_file(path)}\n" for path in paths)
        write_text_atomically(folder / SEALS, seals, durable=True)


def find_snapshot(folder: Path, *, first: bool = True) -> Path | None:
    """Return the snapshot to go on from, or None where training starts from the beginning.

    A snapshot that is not what was written is set aside, with a warning, by the `first` process of a training.
    """
    snapshot, seals = folder / SNAPSHOT, folder / SEALS
    if not snapshot.exists():
        return None
    known = seals.read_bytes().split() if seals.exists() else []
    try:
        whole = sha256_of_file(snapshot).encode() in known
    except FileNotFoundError:  # the first process has just set it aside
        whole = False
    if whole:
        return snapshot
    if not first:
        return None
    aside = snapshot.replace(snapshot.with_suffix(".damaged"))
    logger.warning(
        "the snapshot of the interrupted training is damaged, so training starts over; it was kept as %s", aside
    )
    return None
