"""Matroska and WebM: the bytes that segments and clusters announce, and how long the whole says that it lasts.

A file that was cut lacks bytes. Where sizes are left open, as those of live streams are, only the duration can tell; what
is written to a pipe announces neither. Sources: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import math
import struct
from collections.abc import Iterator

from instrumentarium.decoding.content import Content

MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER, _INFO, _SCALE, _DURATION = 0x18538067, 0x1F43B675, 0x1549A966, 0x2AD7B1, 0x4489
_USUAL_SCALE_NS = 1_000_000
_UNKNOWN = -1
_MOST_ELEMENTS = 1 << 20
"""Elements that are looked through: a file of nothing but empty ones would take long."""


def missing_bytes(content: Content) -> int:
    """Return how many bytes a file lacks of what its elements announce; 0 if none."""
    for _, _, stop in _elements(content, 0, len(content)):
        if stop > len(content):
            return stop - len(content)
    return 0


def announced_s(content: Content) -> float | None:
    """Return the duration that a file announces, in s; None if it announces none, or is no Matroska."""
    if content.read(0, 4) != MAGIC:
        return None
    for name, start, stop in _elements(content, 0, len(content)):
        if name == _CLUSTER:
            return None
        if name == _INFO:
            return _duration_s(content, start, min(stop, len(content)))
    return None


def _duration_s(content: Content, start: int, stop: int) -> float | None:
    scale_ns, ticks = _USUAL_SCALE_NS, 0.0
    for name, begin, end in _elements(content, start, stop):
        if name == _SCALE:
            scale_ns = content.number(begin, min(8, end - begin))
        elif name == _DURATION and end - begin in {4, 8} and end <= stop:
            (ticks,) = struct.unpack(">f" if end - begin == 4 else ">d", content.read(begin, end - begin))
    duration_s = ticks * scale_ns / 1e9
    return duration_s if math.isfinite(duration_s) and duration_s > 0 else None


def _elements(content: Content, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield elements between `at` and `stop`: name, where their content begins and where it ends (_UNKNOWN where open).

    Segments are gone into, and clusters that are left open; another element that is ends it.
    """
    for _ in range(_MOST_ELEMENTS):
        name, at = _vint(content, at, keep_marker=True)
        size, at = _vint(content, at) if name >= 0 else (_UNKNOWN, at)
        if name < 0 or at > stop:
            return
        yield name, at, _UNKNOWN if size < 0 else at + size
        if size < 0 and name not in {_SEGMENT, _CLUSTER}:
            return
        if size >= 0 and name != _SEGMENT:
            at += size
        if at >= stop:
            return


def _vint(content: Content, at: int, *, keep_marker: bool = False) -> tuple[int, int]:
    """Return the number of variable length at `at` and where it ends; _UNKNOWN for unknown, or none there."""
    first = content.number(at, 1)
    length = 9 - first.bit_length()
    if not first or at + length > len(content):
        return _UNKNOWN, at
    number = content.number(at, length)
    if keep_marker:
        return number, at + length
    mask = (1 << 7 * length) - 1
    return (_UNKNOWN if number & mask == mask else number & mask), at + length
