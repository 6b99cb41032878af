"""Which library reads a file, and in which parts: decided by its bytes, never by its name.

libsndfile reads what it knows, FFmpeg all else and MPEG audio. What a file announces is compared with what is there before
anything is decoded. Where libsndfile cannot open a file, or not read it to its end, FFmpeg is asked.
"""

from collections.abc import Iterator
from pathlib import Path

from instrumentarium.decoding import ffmpeg, flac, mpeg, ogg, sndfile
from instrumentarium.decoding.containers import missing_bytes, with_open_length
from instrumentarium.decoding.content import Content, opened
from instrumentarium.decoding.pcm import AudioError, Block
from instrumentarium.decoding.tags import without_tags


def decode_blocks(source: Path | bytes) -> Iterator[Block]:
    """Yield the samples of a file in order; rate and channels may change between blocks.

    Raises:
        AudioError: if the file is empty, no audio, damaged, or breaks off.
        OSError: if it is missing or cannot be opened.
    """
    try:
        with opened(source) as content:
            yield from _decode(without_tags(content))
    except (AudioError, OSError):
        raise
    except Exception as error:  # a library's, or no memory: whatever it is, it is this one file's
        raise AudioError(f"not readable as audio: {type(error).__name__}: {error}".rstrip(": ")) from error


def _decode(content: Content) -> Iterator[Block]:
    if content.read(0, 4) == ogg.MAGIC:
        links = ogg.find_links(content)
        if all(link.plain for link in links):
            yield from _parts([content.part(link.start, link.stop) for link in links])
            return
        yield from _by_ffmpeg(content)
        return
    missing = missing_bytes(content)
    if missing:
        raise AudioError(f"truncated: {missing} bytes of the audio that its header announces are not there")
    if content.read(0, 4) == flac.MAGIC:
        yield from _parts(flac.find_links(content))
    elif content.read(0, 32).startswith(sndfile.MAGICS):
        yield from _parts([with_open_length(content)])
    elif (first := mpeg.find_first(content)) >= 0:
        for link in mpeg.find_links(content, first):
            yield from _by_ffmpeg(content.part(link.start, link.stop), "mp3")
    else:
        yield from _by_ffmpeg(content)


def _parts(parts: list[Content]) -> Iterator[Block]:
    for part in parts:
        yield from _by_libsndfile(part, as_floats=len(parts) > 1)


def _by_ffmpeg(content: Content, format_: str | None = None) -> Iterator[Block]:
    try:
        yield from ffmpeg.read_blocks(content, format_=format_)
    except ffmpeg.ReadError as error:
        raise AudioError(f"not readable as audio: {error}") from error


def _by_libsndfile(content: Content, *, as_floats: bool) -> Iterator[Block]:
    if flac.is_streamed(content):  # cut, FFmpeg notices, and libsndfile does not
        yield from _by_ffmpeg(content)
        return
    found = 0
    try:
        for block in sndfile.read_blocks(content, as_floats=as_floats):
            found += len(block.samples)
            yield block
    except sndfile.ReadError as error:
        first = error
    else:
        return
    try:
        for block in ffmpeg.read_blocks(content, strict=True):
            skipped = min(found, len(block.samples))
            found -= skipped
            if skipped < len(block.samples):
                yield Block(block.samples[skipped:], block.sample_rate_hz, block.bounded)
    except ffmpeg.ReadError as second:
        raise AudioError(f"not readable as audio: libsndfile says: {first} FFmpeg says: {second}") from second
