"""How many bytes a container announces and lacks: the one check for truncation, container by container.

Libraries stop where a file does and say nothing. Lengths that a writer to a pipe leaves open (0, -1, all ones) announce
nothing. Sources: Microsoft's and IBM's RIFF 1.0, EBU Tech 3306 (RF64), Sony's Wave64, Apple's AIFF-C and Core Audio Format
specifications, Sun's au(4), ISO/IEC 14496-12 (MP4), Microsoft's Advanced Systems Format 01.20.
"""

from collections.abc import Callable
from typing import Literal

from instrumentarium.decoding import matroska
from instrumentarium.decoding.content import Content

Order = Literal["big", "little"]
STREAMED = 0x7FFF0000
"""From this length on, a WAV was written to a pipe with its length still unknown."""
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"})
_MOST_CHUNKS = 1 << 20
"""Chunks that are looked through: a file of nothing but empty ones would take long."""


def missing_bytes(content: Content) -> int:
    """Return how many bytes a file lacks of what it announces; 0 of containers that announce nothing."""
    magic = content.read(0, 16)
    check = _CHECKS.get(magic[:4])
    if check is None and magic == W64_RIFF:
        check = _w64
    elif check is None and magic == ASF_HEADER:
        check = _asf
    elif check is None and magic[4:8] in _BOXES:
        check = _mp4
    return 0 if check is None else max(0, check(content))


def with_open_length(content: Content) -> Content:
    """Return a WAV that announces no audio, though there is some, with the length that is there; all else as it is.

    So a WAV looks whose writer was stopped before it could go back to its head.
    """
    if content.read(0, 4) not in {b"RIFF", b"RIFX"} or content.read(8, 4) != b"WAVE":
        return content
    order: Order = "big" if content.read(0, 4) == b"RIFX" else "little"
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 >= len(content):
            return content
        size = content.number(at + 4, 4, order)
        if content.read(at, 4) == b"data":
            there = min(len(content) - at - 8, STREAMED - 1)
            if size or _are_chunks(content, at + 8, order):
                return content
            return content.with_head(content.read(0, at + 4) + there.to_bytes(4, order))
        at += 8 + size + size % 2
    return content


def _are_chunks(content: Content, at: int, order: Order) -> bool:
    """Say whether the content from `at` to the end is chunks, and so no audio."""
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content) or not content.read(at, 4).isalnum():
            return at == len(content)
        size = content.number(at + 4, 4, order)
        at += 8 + size
        if at != len(content):
            at += size % 2
    return False


def _riff(content: Content) -> int:
    form, large = content.read(8, 4), 0
    order: Order = "big" if content.read(0, 4) == b"RIFX" else "little"
    if form not in {b"WAVE", b"RMID"}:
        return 8 + content.number(4, 4, order) - len(content) if form == b"AVI " else 0
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return 0
        name, size = content.read(at, 4), content.number(at + 4, 4, order)
        if name == b"ds64":
            large = content.number(at + 16, 8, "little")
        elif name == b"data":
            if size == 0xFFFFFFFF and large:
                size = large
            elif size >= STREAMED:
                return 0
            return at + 8 + size - len(content)
        at += 8 + size + size % 2
    return 0


def _w64(content: Content) -> int:
    at = 40
    for _ in range(_MOST_CHUNKS):
        if at + 24 > len(content):
            return 0
        size = content.number(at + 16, 8, "little")
        if content.read(at, 4) == b"data":
            return at + size - len(content) if size < 1 << 62 else 0
        at += max(24, (size + 7) // 8 * 8)
    return 0


def _aiff(content: Content) -> int:
    if content.read(8, 4) not in {b"AIFF", b"AIFC"}:  # 8SVX and others: as a whole
        return 8 + content.number(4, 4) - len(content)
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return 0
        size = content.number(at + 4, 4)
        if content.read(at, 4) == b"SSND":
            return at + 8 + size - len(content) if size < STREAMED else 0
        at += 8 + size + size % 2
    return 0


def _au(content: Content) -> int:
    order: Order = "little" if content.read(0, 4) == b"dns." else "big"
    begin, size = content.number(4, 4, order), content.number(8, 4, order)
    return begin + size - len(content) if size != 0xFFFFFFFF else 0


def _caf(content: Content) -> int:
    at = 8
    for _ in range(_MOST_CHUNKS):
        if at + 12 > len(content):
            return 0
        size = content.number(at + 4, 8)
        if size >= 1 << 63:  # -1: up to the end of the file
            return 0
        at += 12 + size
        if content.read(at - 12 - size, 4) == b"data":
            return at - len(content)
    return 0


def _mp4(content: Content) -> int:
    at = 0
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return 0
        size = content.number(at, 4)
        if size == 1:
            size = content.number(at + 8, 8)
        if size < 8:  # 0: up to the end of the file
            return 0
        at += size
        if at > len(content):
            return at - len(content)
    return 0


def _asf(content: Content) -> int:
    at = 0
    for _ in range(_MOST_CHUNKS):
        if at + 24 > len(content):
            return 0
        size = content.number(at + 16, 8, "little")
        if not 24 <= size < 1 << 62:
            return 0
        at += size
        if at > len(content):
            return at - len(content)
    return 0


_CHECKS: dict[bytes, Callable[[Content], int]] = {
    b"RIFF": _riff,
    b"RIFX": _riff,
    b"RF64": _riff,
    b"BW64": _riff,
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    matroska.MAGIC: matroska.missing_bytes,
}
