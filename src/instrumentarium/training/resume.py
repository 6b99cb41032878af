"""Where an interrupted run keeps what it has learned, so that the next one goes on from there.

The folder lies outside the checkout (queued experiments run in throw-away folders) and is named by a fingerprint of all
that determines the run: parameters, inputs, code, versions, device. Another run can't find it, so nothing stale is resumed.
"""

import contextlib
import fcntl
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.errors import UserError

logger = logging.getLogger(__name__)


class ResumeError(UserError, RuntimeError):
    """A run of several processes that another training is at."""


@contextlib.contextmanager
def resume_folder(key: str, *, processes: int = 1, rank: int = 0) -> Iterator[Path]:
    """Yield the folder of the run named `key`, alone: it is kept on an error or a kill, and removed on success.

    When another training is at the very same run, a fresh temporary folder is yielded instead: the two would overwrite
    each other's progress. Of several processes of one training the first does so for all; the others only read.

    Raises:
        ResumeError: if another training is at the run of several processes, which would not find a temporary folder.
    """
    root = cache_folder() / "resume"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / key
    if rank:
        yield folder
        return
    with (root / f"{key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if processes > 1:
                raise ResumeError(
                    "another training is at this very run; wait for it, or set another INSTRUMENTARIUM_CACHE"
                ) from error
            logger.warning("another process is at this very run; training from the start, without sharing its progress")
            with tempfile.TemporaryDirectory(prefix=f"{key}-", dir=root) as temporary:
                yield Path(temporary)
            return
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder)
