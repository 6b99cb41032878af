"""What the C library does with memory that is freed.

Every training step on the processor asks for the same large buffers anew. glibc hands them back to the system when they
are freed, and the system then clears each page again at its first use: a tenth to a sixth of a small network's step.
"""

import ctypes
import sys

# From glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST_FROM_HEAP = 32 << 20
"""Bytes; glibc allows no more."""
KEPT_AT_MOST = 1 << 30
"""Bytes of free memory at the heap's end; beyond it goes back to the system as before."""


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, for the next time; return whether its C library can do so."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_FROM_HEAP) and mallopt(M_TRIM_THRESHOLD, KEPT_AT_MOST))
