"""FLAC files joined one behind the other, and those whose length was not known when they were written. Source: RFC 9639."""

from instrumentarium.decoding.content import Content

MAGIC = b"fLaC"
_BEGINNINGS = (MAGIC + b"\x00\x00\x00\x22", MAGIC + b"\x80\x00\x00\x22")
"""The magic, and the head of the block that always follows: STREAMINFO, 34 bytes, maybe the last one before the audio."""


def find_links(content: Content) -> list[Content]:
    """Return the files that `content`, which begins as one, is made of."""
    starts, at = [0], content.find(MAGIC, 1)
    while at >= 0:
        if content.read(at, 8) in _BEGINNINGS:
            starts.append(at)
        at = content.find(MAGIC, at + 1)
    return [content.part(start, stop) for start, stop in zip(starts, [*starts[1:], len(content)], strict=True)]


def is_streamed(content: Content) -> bool:
    """Say whether it is a FLAC file that announces no number of samples."""
    return content.read(0, 4) == MAGIC and content.number(21, 5) & ((1 << 36) - 1) == 0
