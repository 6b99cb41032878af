"""The most memory that this process has held, and how much is left.

Linux counts the former since the program began, or since it was reset. The count of `getrusage` goes back further: a
child's holds what its parent held as it forked.
"""

import contextlib
import os
import resource
import sys
from pathlib import Path


def reset_peak_mb() -> float:
    """Forget the most memory held so far, where the system can (Linux); return what to measure from, in MB."""
    with contextlib.suppress(OSError):  # then the peak is that of the whole process, which only more memory can raise
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_mb()


def peak_mb() -> float:
    """Return the most memory that this process has held, in MB, since it was last reset."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def available_bytes() -> int:
    """Return how much memory programs can still be given without others being pushed out to the disk."""
    info = Path("/proc/meminfo")
    if info.exists():
        for line in info.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
