"""Audio files made in the test: by FFmpeg's libraries, by libsndfile, and by surgery on their bytes."""

import io
import struct
from collections.abc import Mapping

import av
import numpy as np
import numpy.typing as npt
import soundfile

RATE_HZ = 44100
Samples = npt.NDArray[np.floating]


def notes(duration_s: float, rate_hz: int = RATE_HZ, channels: int = 2, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return sound that codecs at variable rates give many bits, then few: noise after a chord."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    chord = sum(0.1 * np.sin(2 * np.pi * hz * time_s) for hz in (220, 330, 440))
    noise = np.random.default_rng(seed).standard_normal((len(time_s), channels))
    loud = np.where(time_s < duration_s / 2, 0.15, 0.0005)[:, None]
    return (chord[:, None] + loud * noise).astype(np.float32)


def by_ffmpeg(
    samples: Samples,
    format_: str,
    codec: str,
    rate_hz: int = RATE_HZ,
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
    bit_rate: int | None = 128_000,
    *,
    seekable: bool = True,
) -> bytes:
    """Return a file that FFmpeg writes; to a pipe, where it cannot seek back, unless `seekable`."""
    file = io.BytesIO() if seekable else _Pipe()
    with av.open(file, "w", format=format_, options=dict(container or {})) as output:
        stream = output.add_stream(codec, rate=rate_hz, options=dict(options or {}))
        stream.layout = "mono" if samples.shape[1] == 1 else "stereo"
        if bit_rate:
            stream.bit_rate = bit_rate
        wanted = stream.codec_context.codec.audio_formats[0].name
        stream.format = wanted
        resampler = av.AudioResampler(wanted, stream.layout, rate_hz)
        for at in range(0, len(samples), 1152):
            part = np.ascontiguousarray(samples[at : at + 1152], dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), "flt", stream.layout.name)
            frame.sample_rate, frame.pts = rate_hz, at
            for ready in resampler.resample(frame):
                output.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            output.mux(stream.encode(ready))
        output.mux(stream.encode(None))
    return file.getvalue()


def with_picture(samples: Samples, picture_s: float) -> bytes:
    """Return Matroska with sound and a picture that may last longer."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        sound, picture = (
            output.add_stream("pcm_s16le", rate=RATE_HZ, layout="stereo"),
            output.add_stream("mpeg4", rate=25),
        )
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        whole = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16).reshape(1, -1), "s16", "stereo")
        whole.sample_rate = RATE_HZ
        output.mux(sound.encode(whole))
        for _ in range(round(25 * picture_s)):
            output.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        for stream in (sound, picture):
            output.mux(stream.encode(None))
    return file.getvalue()


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("a pipe")


def by_libsndfile(samples: Samples, format_: str, subtype: str | None = None, rate_hz: int = RATE_HZ) -> bytes:
    """Return a file that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=format_, subtype=subtype)
    return file.getvalue()


def mp3(samples: Samples, *, xing: bool = True, vbr: bool = False, rate_hz: int = RATE_HZ) -> bytes:
    """Return an MP3, with or without a header that announces its length."""
    return by_ffmpeg(
        samples,
        "mp3",
        "libmp3lame",
        rate_hz,
        {"flags": "+qscale", "global_quality": "472"} if vbr else {},
        {"write_xing": str(int(xing)), "id3v2_version": "0"},
        None if vbr else 128_000,
    )


def id3v1() -> bytes:
    """Return a tag as it stands behind audio."""
    return b"TAG" + b"A title".ljust(124, b"\0") + b"\x0c"


def id3v2(size: int = 3000) -> bytes:
    """Return a tag as it stands before audio."""
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def with_wav_field(data: bytes, at: int, value: int) -> bytes:
    """Return a WAV with another 32-bit number at `at` of its head."""
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]
