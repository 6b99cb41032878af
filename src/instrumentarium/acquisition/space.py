"""Whether what is to be written fits on the disk."""

import shutil
from collections.abc import Iterable
from pathlib import Path

Need = tuple[Path, int]
"""A folder, and the bytes that are to be written into it."""


def shortage(needs: Iterable[Need]) -> str | None:
    """Say which file system has too little free space for all `needs` that fall on it, with the figures; else None.

    Folders that do not exist yet count by the nearest one above them that does.
    """
    by_device: dict[int, tuple[Path, int]] = {}
    for folder, n_bytes in needs:
        existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        first, sum_bytes = by_device.get(existing.stat().st_dev, (existing, 0))
        by_device[existing.stat().st_dev] = (first, sum_bytes + n_bytes)
    for folder, n_bytes in by_device.values():
        free = shutil.disk_usage(folder).free
        if n_bytes > free:
            return f"{size(n_bytes)} more must be written to the file system of {folder}, where {size(free)} are free"
    return None


def size(n_bytes: int) -> str:
    """Return a number of bytes as people read it, in steps of a thousand."""
    value, unit = float(n_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{n_bytes} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
