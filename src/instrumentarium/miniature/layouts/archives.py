"""Archives and audio files whose bytes depend on their content alone: no clock, no user, no random stream number."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from instrumentarium.runtime.files import atomic_path

Member = tuple[str, bytes]
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
OGG_SERIAL = 0x1A57
LOSSLESS_COUPLING = 0.6
"""The quality from which on libvorbis couples two channels without loss, at rates of its setups for 32 kHz and above."""
COUPLED_FROM_HZ = 26_000


def write_zip(path: Path, members: Iterable[Member]) -> None:
    """Write a zip; a name that ends in `/` is a folder. Audio is stored, as deflating it saves little and takes long."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3
            entry.external_attr = (0o40755 << 16) | 0x10 if name.endswith("/") else 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, content)


def write_tgz(path: Path, members: Iterable[Member]) -> None:
    """Write a gzipped tar; a name that ends in `/` is a folder. Lightly deflated, as Vorbis hardly shrinks."""
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, content in members:
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            entry.mode = 0o755 if name.endswith("/") else 0o644
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def encode_audio(
    samples: NDArray[np.int16], sample_rate_hz: int, container: Literal["wav", "ogg"], quality: float = 0.5
) -> bytes:
    """(samples,) or (samples, channels) as 16-bit PCM in a wav file, or as Vorbis of a quality in [0, 1] in an ogg file.

    Where libvorbis couples channels with loss, it compares with a limit what it divided by the processor's own estimate of
    a reciprocal (`rcpps`, which differs between makers): now and then a block would come out otherwise on another machine.

    Raises:
        ValueError: if it would have to: two channels of a quality below 0.6, or below 26 kHz.
    """
    buffer = io.BytesIO()
    if container == "wav":
        soundfile.write(buffer, samples, sample_rate_hz, format="WAV", subtype="PCM_16")
        return buffer.getvalue()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    if channels > 1 and (quality < LOSSLESS_COUPLING or sample_rate_hz < COUPLED_FROM_HZ):
        raise ValueError(
            f"{channels} channels of quality {quality} at {sample_rate_hz} Hz would be coded differently by each maker's "
            f"processors: from quality {LOSSLESS_COUPLING} and {COUPLED_FROM_HZ} Hz on they are not"
        )
    with soundfile.SoundFile(
        buffer, "w", sample_rate_hz, channels, "VORBIS", format="OGG", compression_level=1.0 - quality
    ) as file:
        for begin in range(0, len(samples), 65536):  # libvorbis overflows its stack on one very long block
            file.write(samples[begin : begin + 65536])
    return with_fixed_serial(buffer.getvalue())


def with_fixed_serial(ogg: bytes) -> bytes:
    """Replace the random stream number that the encoder put into every Ogg page (RFC 3533), and its checksum.

    Raises:
        ValueError: if the bytes are not a sequence of whole Ogg pages.
    """
    out = bytearray()
    for page in _ogg_pages(ogg):
        header = bytearray(page)
        header[14:18] = OGG_SERIAL.to_bytes(4, "little")
        header[22:26] = bytes(4)
        header[22:26] = _ogg_checksum(bytes(header)).to_bytes(4, "little")
        out += header
    return bytes(out)


def _ogg_pages(ogg: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(ogg):
        if ogg[position : position + 4] != b"OggS":
            raise ValueError(f"no Ogg page at byte {position}: found {ogg[position : position + 4]!r}")
        segments = ogg[position + 26]
        size = 27 + segments + sum(ogg[position + 27 : position + 27 + segments])
        yield ogg[position : position + size]
        position += size


_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_checksum(page: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial, but with the bits the other way round, from zero and not inverted at the end."""
    mirrored = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
