"""The disk: whether what is to be written fits on it, and one file under two names.

Archives are linked into the checkout, and copied only where no link is possible.
"""

import contextlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from instrumentarium.runtime.files import atomic_path

Need = tuple[Path, int]
"""A folder, and the bytes that are to be written into it."""


def shortage(needs: Iterable[Need]) -> str | None:
    """Say which file system has too little free space for all `needs` that fall on it, with both sizes; else None.

    Folders that do not exist yet count by the nearest one above them that does.
    """
    by_device: dict[int, list[Need]] = defaultdict(list)
    for folder, n_bytes in needs:
        existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        by_device[existing.stat().st_dev].append((existing, n_bytes))
    for together in by_device.values():
        folder, n_bytes = together[0][0], sum(count for _, count in together)
        free = shutil.disk_usage(folder).free
        if n_bytes > free:
            return f"{size(n_bytes)} more must be written to the file system of {folder}, where {size(free)} are free"
    return None


def size(n_bytes: int) -> str:
    """Return a number of bytes as people read it, in steps of a thousand."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if n_bytes >= 1000**power:
            return f"{n_bytes / 1000**power:.1f} {unit}"
    return f"{n_bytes} bytes"


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
    """Whether a file in `folder` can be a link to `kept`; tried out, since file systems do not say."""
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
