"""A full disk, found out wherever it ends a piece of work, and said in one way."""

import errno
import shutil
from pathlib import Path

_CAUSES = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "your quota on its disk is used up",
}


def full_disk(error: BaseException) -> str | None:
    """Return what to tell the user where a full disk is an error, or the cause of one, or of that; else None."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        if isinstance(link, OSError) and link.errno in _CAUSES:
            return _message(link)
        seen.append(link)
        link = link.__cause__ or link.__context__
    return None


def _message(error: OSError) -> str:
    cause, name = _CAUSES[error.errno or 0], error.filename2 or error.filename
    if not isinstance(name, str):
        return f"the output could not be written, since {cause}; make room, and run it again"
    existing = next((path for path in (Path(name).absolute(), *Path(name).absolute().parents) if path.exists()), Path())
    free_mb = shutil.disk_usage(existing).free / 1e6
    return f"{name} could not be written, since {cause} ({free_mb:.0f} MB free); make room, and run it again"
