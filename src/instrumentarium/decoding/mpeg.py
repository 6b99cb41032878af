"""MPEG audio (MP3, MP2, MP1) frame by frame: where it begins and ends, and whether what its header announces is there.

A Xing, Info or VBRI header in the first frame announces the number of frames. Without one nothing is announced, and only
the frames themselves tell the length: a cut shows where it falls within the last frame (of a kilobyte or less, so nearly
always), and no reader can know of one that falls exactly between two frames. Files joined one behind the other are a
chain, as in Ogg.
Sources: ISO/IEC 11172-3, 13818-3; the Xing and VBRI headers as LAME and Fraunhofer's encoder write them.
"""

import itertools
from dataclasses import dataclass

from instrumentarium.decoding.content import Content
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.tags import id3v2_size

JUNK = 1 << 16
"""Bytes before the first frame that are passed over."""
SURE = 4
"""Frames in a row that are no chance."""
_KBIT = {  # by (MPEG 1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version: 1, 2, 2.5
_NAMES = (b"Xing", b"Info", b"VBRI")
_OFFSETS = (13, 21, 36)
"""Where a header stands in its frame: behind 4 bytes and 9, 17 or 32 of side information."""


@dataclass
class Link:
    """Frames in a row, of one file."""

    start: int
    stop: int
    frames: int  # without the one that holds the header
    announced: int | None


def _measure(second: int, third: int) -> tuple[int, int] | None:
    """Return the length of a frame by the second and third byte of its head, and what is the same in all of a stream."""
    version, layer, bit_rate, rate = second >> 3 & 3, 4 - (second >> 1 & 3), third >> 4, third >> 2 & 3
    if second & 0xE0 != 0xE0 or version == 1 or layer == 4 or bit_rate in {0, 15} or rate == 3:
        return None
    bits, hz, padding = 1000 * _KBIT[version == 3, layer][bit_rate - 1], _RATES_HZ[version][rate], third >> 1 & 1
    if layer == 1:
        length = (12 * bits // hz + padding) * 4
    else:
        length = (72 if layer == 3 and version != 3 else 144) * bits // hz + padding
    return length, second >> 1 & 0xF | rate << 4


_FRAMES = {
    bytes(head): found for head in itertools.product(range(256), repeat=2) if (found := _measure(*head)) is not None
}


def _frame(content: Content, at: int) -> tuple[int, int] | None:
    head = content.read(at, 3)
    return _FRAMES.get(head[1:]) if head[:1] == b"\xff" else None


def _in_a_row(content: Content, at: int, wanted: int) -> bool:
    """Say whether `wanted` frames of one kind stand at `at`, or at least one, and all up to the end of the content."""
    first = found = _frame(content, at)
    for _ in range(wanted):
        if found is None or first is None or found[1] != first[1]:
            return False
        at += found[0]
        if at == len(content):
            return True
        found = _frame(content, at)
    return True


def find_first(content: Content) -> int:
    """Return where MPEG audio begins; -1 where there is none."""
    at = content.find(b"\xff", 0, JUNK)
    while at >= 0:
        if _in_a_row(content, at, SURE):
            return at
        at = content.find(b"\xff", at + 1, JUNK)
    return -1


def _headers(content: Content) -> dict[int, int]:
    """Return where headers may stand, by the beginning of the frame that would hold them."""
    found: dict[int, int] = {}
    for name in _NAMES:
        at = content.find(name)
        while at >= 0:
            found |= {at - offset: at for offset in _OFFSETS}
            at = content.find(name, at + 1)
    return found


def _announced(content: Content, at: int) -> int | None:
    if content.read(at, 4) == b"VBRI":
        return content.number(at + 14, 4)
    return content.number(at + 8, 4) if content.number(at + 7, 1) & 1 else None


def find_links(content: Content, first: int) -> list[Link]:
    """Return the links of MPEG audio whose first frame is at `first`.

    Raises:
        AudioError: if a link has fewer frames than its header announces, or the last frame is cut.
    """
    headers, links, at, kind, lacking = _headers(content), list[Link](), first, -1, 0
    while at < len(content):
        found = _frame(content, at)
        if found is None or (found[1] != kind and links and not _in_a_row(content, at, 2)):
            at = _next(content, at + 1 if found else at)
            if at < 0:
                break
            continue
        length, other = found
        if at in headers or other != kind:
            links.append(Link(at, at, 0, _announced(content, headers[at]) if at in headers else None))
            kind = other
            links[-1].frames -= at in headers
        lacking = at + length - len(content)
        if lacking > 0:
            break
        at += length
        links[-1].frames += 1
        links[-1].stop = at
    for link in links:
        if link.announced is not None and link.frames < link.announced - 1:  # some writers count the header's frame
            raise AudioError(f"truncated: its header announces {link.announced} MPEG frames, {link.frames} are there")
    if lacking > 0:
        raise AudioError(
            f"truncated: its last MPEG frame lacks {lacking} of {length} bytes; if what is there is all that you need, "
            "convert it: `ffmpeg -i OLD.mp3 NEW.flac`"
        )
    return [link for link in links if link.frames > 0]


def _next(content: Content, at: int) -> int:
    """Return where frames go on behind tags or junk at `at`; -1 if nowhere."""
    if size := id3v2_size(content, at):
        at += size
    at = content.find(b"\xff", at)
    while at >= 0 and not _in_a_row(content, at, 2):
        at = content.find(b"\xff", at + 1)
    return at
