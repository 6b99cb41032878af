"""The bytes of a file, or a part of them, as decoders read them."""

import io
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from instrumentarium.decoding.pcm import AudioError

Buffer = bytes | mmap.mmap
RESIDENT = 1 << 24
"""Bytes of a mapped file that are gone through before its pages are given back: else all of it would count as memory."""


class Content:
    """Bytes `start` to `stop` of a buffer, with others of the same number in the place of the first ones.

    Args:
        buffer: a file in memory, or mapped.
        start: of the part.
        stop: behind its last byte.
        head: stands for the first bytes of the part.
    """

    def __init__(self, buffer: Buffer, start: int = 0, stop: int | None = None, head: bytes = b"") -> None:
        self.buffer, self.start, self.head = buffer, start, head
        self.stop = len(buffer) if stop is None else min(stop, len(buffer))
        self._passed = 0

    def _pass(self, size: int) -> None:
        self._passed += size
        if self._passed > RESIDENT:
            self._passed = 0
            if isinstance(self.buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                self.buffer.madvise(mmap.MADV_DONTNEED)

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def part(self, start: int, stop: int | None = None) -> "Content":
        """Return the bytes from `start` to `stop`, counted within this part."""
        return Content(self.buffer, self.start + start, self.stop if stop is None else self.start + stop)

    def with_head(self, head: bytes) -> "Content":
        """Return the same bytes with others in the place of the first ones."""
        return Content(self.buffer, self.start, self.stop, head)

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from `at` on; fewer at the end."""
        begin = self.start + at
        found = self.buffer[begin : max(begin, min(begin + size, self.stop))]
        self._pass(len(found))
        return self.head[at : at + size] + found[len(self.head) - at :] if at < len(self.head) else found

    def read_into(self, at: int, view: memoryview) -> int:
        """Copy bytes from `at` on into a view, at once; return how many."""
        if at < len(self.head):
            data = self.read(at, len(view))
            view[: len(data)] = data
            return len(data)
        begin = self.start + at
        size = max(0, min(len(view), self.stop - begin))
        if size:
            with memoryview(self.buffer) as whole, whole[begin : begin + size] as part:
                view[:size] = part
            self._pass(size)
        return size

    def find(self, wanted: bytes, at: int = 0, stop: int | None = None) -> int:
        """Return where `wanted` first stands from `at` on and before `stop`; -1 if nowhere."""
        end = self.stop if stop is None else min(self.stop, self.start + stop)
        found = self.buffer.find(wanted, self.start + at, end)
        self._pass(max(0, (end if found < 0 else found) - self.start - at))
        return found if found < 0 else found - self.start

    def number(self, at: int, size: int, order: Literal["big", "little"] = "big") -> int:
        """Return the unsigned integer of `size` bytes at `at`."""
        return int.from_bytes(self.read(at, size), order)


class Reader(io.RawIOBase):
    """Content as a file. It never raises: decoders' libraries print what a callback raises, and go on without it."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content, self._at = content, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sought."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, at least 0; return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence, len(self._content))
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        data = self._content.read(self._at, len(self._content) if size < 0 else size)
        self._at += len(data)
        return data

    def readinto(self, buffer: object) -> int:
        """Fill a buffer as far as there are bytes; return how many were read."""
        with memoryview(buffer) as view, view.cast("B") as target:  # type: ignore[arg-type]
            size = self._content.read_into(self._at, target)
        self._at += size
        return size


@contextmanager
def opened(source: Path | bytes) -> Iterator[Content]:
    """Yield the content of a file, mapped, or that of bytes.

    Raises:
        AudioError: if there are no bytes, or it is a pipe or a device, which cannot be read twice, or never ends.
        OSError: if the file is missing or cannot be opened.
    """
    if isinstance(source, bytes):
        if not source:
            raise AudioError("the file is empty (0 bytes)")
        yield Content(source)
        return
    mode = source.stat().st_mode  # looked at first: to open a pipe that nobody writes to would wait for ever
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise AudioError("a pipe or a device, not a file: save what it gives as a file first")
    with source.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise AudioError("the file is empty (0 bytes)")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield Content(mapped)
