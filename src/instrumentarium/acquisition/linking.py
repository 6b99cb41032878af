"""One file under two names: archives are linked into the checkout, and copied only where no link is possible."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from instrumentarium.runtime.files import atomic_path


def link(kept: Path, path: Path) -> None:
    """Make `path` the same file as `kept`, by a hard link, else a symbolic one, else (neither possible) a copy.

    A file that is there already gives way; the file that it may be a link to stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if not _link(kept, path):
        with atomic_path(path) as temporary:
            shutil.copyfile(kept, temporary)


def can_link(kept: Path, folder: Path) -> bool:
    """Whether a file in `folder` can be a link to `kept`; tried out, since file systems do not tell."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".link-", dir=folder) as trial:
        return _link(kept, Path(trial) / kept.name)


def can_link_from(source: Path, folder: Path) -> bool:
    """Whether a file in `folder` can be a link to one in the folder `source`."""
    source.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".link-", dir=source) as trial:
        return can_link(Path(trial.name), folder)


def _link(kept: Path, path: Path) -> bool:
    target = kept.resolve()  # a hard link to a relative symbolic link would point elsewhere
    for way in (os.link, os.symlink):
        with contextlib.suppress(OSError):
            way(target, path)
            return True
    return False
