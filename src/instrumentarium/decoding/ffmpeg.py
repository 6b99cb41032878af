"""Reading by FFmpeg's libraries, which PyAV ships: MPEG audio, M4A, the sound of video, and second opinions.

Only the bytes at hand are read: no protocol is open to FFmpeg, and no playlist is among the formats, so that a file cannot
make it call up others.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from instrumentarium.decoding.content import Content, Reader
from instrumentarium.decoding.matroska import announced_s
from instrumentarium.decoding.pcm import AudioError, Block, Pcm
from instrumentarium.decoding.sndfile import BLOCK_VALUES

FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,latm,loas,matroska,mlp,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,nut,oga,ogg,rm,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
"""Formats that hold sound: FFmpeg's names of its readers."""
_TYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "s64": np.int64, "flt": np.float32, "dbl": np.float64}
_SCALES = {"s32": 1 / (1 << 31), "s64": 1 / (1 << 63)}


class ReadError(Exception):
    """FFmpeg cannot read a file, or finds damage; the message is what it says."""


def read_blocks(content: Content, *, format_: str | None = None, strict: bool = False) -> Iterator[Block]:
    """Yield the samples of a file's first stream of sound in order.

    Args:
        content: of the file.
        format_: FFmpeg's name of the format, where it is known.
        strict: heed checksums, and whatever else is not as it should be.

    Raises:
        ReadError: if it cannot be read.
        AudioError: if it ends long before the duration that it announces (Matroska, WebM).
    """
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
    if strict:
        options["err_detect"] = "crccheck+bitstream+buffer+explode"
    gathered = _Gathered()
    try:
        with av.open(Reader(content), "r", format=format_, options=options, metadata_errors="ignore") as container:
            for frame in _frames(container, announced_s(content), lenient=format_ == "mp3"):
                yield from gathered.add(frame)
    except av.error.FFmpegError as error:
        raise ReadError(error.strerror or str(error)) from error
    yield from gathered.take()


class _Gathered:
    """Frames of one rate and one kind, until they make a block."""

    def __init__(self) -> None:
        self._frames: list[av.AudioFrame] = []
        self._kind = (0, "", 0)
        self._values = 0

    def add(self, frame: av.AudioFrame) -> Iterator[Block]:
        """Take a frame, and yield what is complete."""
        kind = (frame.sample_rate, frame.format.name, frame.layout.nb_channels)
        if kind != self._kind:
            yield from self.take()
            self._kind = kind
        self._frames.append(frame)
        self._values += frame.samples * kind[2]
        if self._values >= BLOCK_VALUES:
            yield from self.take()

    def take(self) -> Iterator[Block]:
        """Yield what there is."""
        if self._frames:
            rate_hz, name, channels = self._kind
            samples = _samples(self._frames, name, channels)
            self._frames, self._values = [], 0
            yield Block(samples, rate_hz, bounded=not name.startswith(("flt", "dbl")))


def _frames(container: InputContainer, duration_s: float | None, *, lenient: bool) -> Iterator[av.AudioFrame]:
    """Yield decoded frames.

    Args:
        container: of the stream.
        duration_s: that the container announces, of all its streams: the picture may go on after the sound.
        lenient: the first frames and the last one may lack what they need: a stream that was cut from a longer one.
    """
    if not container.streams.audio:
        raise ReadError("there is no sound in it")
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    failed: av.error.FFmpegError | None = None
    for number, packet in enumerate(_packets(container, stream, duration_s)):
        if failed is not None and packet.size:
            raise failed
        if packet.is_corrupt and not lenient:
            raise ReadError("it breaks off within a packet")
        try:
            frames = packet.decode()
        except av.error.EOFError:
            break
        except av.error.FFmpegError as error:
            if not lenient:
                raise
            failed = None if number < _RESERVOIR else error
            continue
        yield from (frame for frame in frames if frame.samples)


def _packets(
    container: InputContainer, stream: AudioStream, duration_s: float | None
) -> Iterator["av.Packet[AudioStream]"]:
    """Yield the packets of a stream, an empty one last; before it, look whether all streams end as announced."""
    if duration_s is None:
        yield from container.demux(stream)
        return
    end_s = 0.0
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        elif not packet.size and end_s < duration_s - TOLERANCE_S:
            raise AudioError(f"truncated: it announces {duration_s:.1f} s, {end_s:.1f} s are there")
        if packet.stream.index == stream.index:
            yield cast("av.Packet[AudioStream]", packet)


TOLERANCE_S = 1.0
"""By how much a duration may exceed the end of the last packet, whose own duration is not always known."""
_RESERVOIR = 10
"""Frames at the start of MP3 that may refer to some before them."""


def _samples(frames: Sequence[av.AudioFrame], format_: str, channels: int) -> Pcm:
    """Return the samples of frames of one format, (frames, channels).

    Copied once from FFmpeg's memory: an array a frame, joined afterwards, would take as long as the decoding of MP3.
    """
    name = format_.removesuffix("p")
    array = np.empty((sum(frame.samples for frame in frames), channels), _TYPES[name])
    at = 0
    for frame in frames:
        part = array[at : at + frame.samples]
        if format_ != name:  # a plane a channel
            for channel, plane in enumerate(frame.planes):
                part[:, channel] = np.frombuffer(cast("bytes", plane), array.dtype, len(part))
        else:
            part[:] = np.frombuffer(cast("bytes", frame.planes[0]), array.dtype, part.size).reshape(part.shape)
        at += len(part)
    if name == "u8":
        return ((array.astype(np.int16) - 128) * np.int16(256)).astype(np.int16)
    if name in _SCALES:
        return (array.astype(np.float64) * _SCALES[name]).astype(np.float32)
    return cast("Pcm", array if name in {"s16", "flt"} else array.astype(np.float32))
