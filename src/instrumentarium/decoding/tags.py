"""Tags around the audio of any format: ID3v2 before it; ID3v1, APEv2 and Lyrics3 behind it.

Sources: id3.org (ID3v2.4.0 structure, Lyrics3 v2.00), the APEv2 specification of the Hydrogenaudio knowledge base.
"""

from instrumentarium.decoding.content import Content

_ID3V2_HEADER = 10
_ID3V1, _APE_FOOTER, _LYRICS_END = 128, 32, 15


def id3v2_size(content: Content, at: int = 0) -> int:
    """Return how many bytes an ID3v2 tag takes at `at`; 0 if there is none."""
    header = content.read(at, _ID3V2_HEADER)
    if len(header) < _ID3V2_HEADER or header[:3] != b"ID3" or max(header[6:10]) > 0x7F or 0xFF in header[3:5]:
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
    return _ID3V2_HEADER + size + (_ID3V2_HEADER if header[5] & 0x10 else 0)


def without_tags(content: Content) -> Content:
    """Return the content between the tags."""
    start, stop = 0, len(content)
    while size := id3v2_size(content, start):
        start += size
    while (size := _size_before(content, stop)) and start + size <= stop:
        stop -= size
    return content.part(min(start, stop), stop) if start or stop < len(content) else content


def _size_before(content: Content, stop: int) -> int:
    """Return how many bytes a tag takes that ends at `stop`; 0 if none does."""
    if stop >= _ID3V1 and content.read(stop - _ID3V1, 3) == b"TAG":
        return _ID3V1
    footer = content.read(stop - _APE_FOOTER, _APE_FOOTER) if stop >= _APE_FOOTER else b""
    if footer[:8] == b"APETAGEX":
        has_header = footer[23] & 0x80
        return int.from_bytes(footer[12:16], "little") + (_APE_FOOTER if has_header else 0)
    end = content.read(stop - _LYRICS_END, _LYRICS_END) if stop >= _LYRICS_END else b""
    if end[6:] == b"LYRICS200" and end[:6].isdigit():
        return int(end[:6]) + _LYRICS_END
    return 0
