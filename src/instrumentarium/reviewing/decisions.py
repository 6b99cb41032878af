"""What has been decided: rows of a file of overrides, written one by one as they are made."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from instrumentarium.reviewing.questions import Pair, Word
from instrumentarium.tables.overrides import Override, read_overrides, write_overrides

RELEVANCE: Mapping[Word, float | None] = {"present": 1.0, "absent": 0.0, "unsure": None}


class Decisions:
    """The overrides in a file, whoever made them; each new one is on the disk when `decide` returns.

    The file is read anew before it is written, under a lock, so that what an editor, another page or another `review` has
    put there meanwhile stays.
    """

    def __init__(self, path: Path, source: str) -> None:
        """Read the file, if there is one.

        Args:
            path: of the overrides.
            source: what new ones state as theirs.

        Raises:
            OverrideError: if the file is no table of overrides.
        """
        self.path = path
        self.source = source
        self._one_at_a_time = threading.Lock()
        self._known = self._read()

    def __getitem__(self, pair: Pair) -> Override | None:
        """Return what has been decided of a pair, None where nothing has."""
        return self._known.get(pair)

    def __contains__(self, pair: Pair) -> bool:
        """Say whether a pair has been decided."""
        return pair in self._known

    def decide(self, pair: Pair, word: Word, note: str = "") -> Override:
        """Write what a person says of a pair, in place of what was said before.

        Raises:
            OverrideError: if the file no longer is a table of overrides; it is left as it is.
            OSError: if it cannot be written; it is left as it is.
        """
        override = Override(*pair, RELEVANCE[word], self.source, " ".join(note.split()))
        with self._changing() as overrides:
            overrides[pair] = override
        return override

    def withdraw(self, pair: Pair) -> None:
        """Take back what was said of a pair; raises as `decide` does."""
        with self._changing() as overrides:
            overrides.pop(pair, None)

    def _read(self) -> dict[Pair, Override]:
        found = read_overrides(self.path) if self.path.exists() else ()
        return {(override.clip_id, override.instrument): override for override in found}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[Pair, Override]]:
        """Yield what the file holds; how it was changed is then written, and on any error nothing is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._one_at_a_time, _locked(self.path.parent):
            overrides = self._read()
            yield overrides
            write_overrides(self.path, overrides.values(), durable=True)
            self._known = overrides


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes that lock the same folder waiting; nothing is left there."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
