"""Ogg's pages: what is missing or damaged, and the links of a chain.

A page has a checksum and a number, and a stream's last page a flag. So whether a file is whole is known exactly, whatever
the codec. A chain is files one after the other, of other rates or channels maybe; libsndfile stops behind the first.
Source: RFC 3533.
"""

import zlib
from dataclasses import dataclass, field

from instrumentarium.decoding.content import Content
from instrumentarium.decoding.pcm import AudioError

MAGIC = b"OggS"
HEADER = 27
_BEGINS, _ENDS = 2, 4  # flags of a page
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
"""What a stream of sound begins with."""


@dataclass
class Link:
    """A part of a file whose streams begin together."""

    start: int
    stop: int = 0
    streams: set[int] = field(default_factory=set)
    sounds: set[int] = field(default_factory=set)  # those with one of CODECS
    ended: set[int] = field(default_factory=set)
    numbers: dict[int, int] = field(default_factory=dict)  # of each stream's last page

    @property
    def complete(self) -> bool:
        """Whether every stream of sound has come to its end."""
        return self.sounds <= self.ended

    @property
    def plain(self) -> bool:
        """Whether there is one stream, of sound."""
        return len(self.streams) == len(self.sounds) == 1


def checksum(page: bytes) -> int:
    """Return the checksum of a page whose own field is zero: CRC-32 with the bits of every byte the other way round."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)


def find_links(content: Content) -> list[Link]:
    """Return the links of a file that begins with a page.

    Raises:
        AudioError: if it breaks off, or a page is missing or damaged.
    """
    links: list[Link] = []
    at, began = 0, False  # whether the current link is still at its first pages
    while at < len(content):
        if content.read(at, 4) != MAGIC:
            after = content.find(MAGIC, at)
            if after < 0 and at > len(content) - HEADER:
                break  # cut within a page's first bytes, or a few bytes of junk
            if not links[-1].complete:
                raise AudioError(f"damaged: there is no Ogg page where one should be, at byte {at}")
            if after < 0:
                break
            at = after
        header = content.read(at, HEADER + 255)
        size = HEADER + (header[26] if len(header) >= HEADER else 0)
        lacing = header[HEADER:size]
        if len(header) < size or at + size + sum(lacing) > len(content):
            if links and links[-1].complete:
                break  # junk that looks like a page
            raise AudioError("truncated: the file ends within an Ogg page")
        size += sum(lacing)
        page = content.read(at, size)
        if checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise AudioError(f"damaged: the checksum of the Ogg page at byte {at} is wrong")
        flags, serial = page[5], int.from_bytes(page[14:18], "little")
        if flags & _BEGINS and not began:
            links.append(Link(at))
        if not links:
            raise AudioError("damaged: it begins in the middle of an Ogg stream")
        began = bool(flags & _BEGINS)
        _add(links[-1], page, size - sum(lacing), flags, serial)
        at += size
        links[-1].stop = at
    if not all(link.complete for link in links):
        raise AudioError("truncated: no Ogg page is marked as the stream's last one")
    return links


def _add(link: Link, page: bytes, body: int, flags: int, serial: int) -> None:
    number = int.from_bytes(page[18:22], "little")
    if flags & _BEGINS:
        link.streams.add(serial)
        if page[body:].startswith(CODECS):
            link.sounds.add(serial)
    elif serial in link.sounds and number != link.numbers[serial] + 1:
        raise AudioError(f"damaged: Ogg page {link.numbers[serial] + 1} of its stream is missing")
    link.numbers[serial] = number
    if flags & _ENDS:
        link.ended.add(serial)
