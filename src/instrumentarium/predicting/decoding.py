"""Audio files of any length as blocks of samples, so that memory stays flat.

libsndfile reads what it knows (WAV, FLAC, OGG, MP3, AIFF, …); for all else (M4A, the sound of video) the program ffmpeg is
asked, where there is one.
"""

import mmap
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from instrumentarium.ingestion.audio import SIXTEEN_BITS, AudioError, Pcm, wav_bytes_missing

BLOCK_VALUES = 1 << 19
"""Samples of all channels together that are decoded at once: 2 MB as float32."""
FFMPEG = "ffmpeg"
AU_HEADER = struct.Struct(">4s5I")
"""Sun's AU file: magic, offset of the audio, its size, coding, rate, channels; readable from a pipe."""


@dataclass(frozen=True)
class Block:
    """Consecutive samples of a file."""

    samples: Pcm  # (frames, channels)
    sample_rate_hz: int
    bounded: bool  # the coding cannot hold anything beyond full scale


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """A file read from front to end.

    After every read of a file that can be sought, soundfile seeks to where it is already; in an MP3 that lands elsewhere,
    and garbles all blocks after the first.
    """

    def seekable(self) -> bool:
        return False


def decode_blocks(path: Path) -> Iterator[Block]:
    """Yield the samples of a file in order.

    Raises:
        AudioError: if the file is empty, no audio, needs ffmpeg where there is none, or breaks off.
        OSError: if it is missing or cannot be opened.
    """
    with path.open("rb") as file:  # soundfile would not tell a missing file from one that may not be read
        if not os.fstat(file.fileno()).st_size:
            raise AudioError("the file is empty (0 bytes)")
    try:
        opened = _Sequential(os.fsencode(path))
    except soundfile.LibsndfileError as error:
        unknown = "does not exist" in error.error_string  # what it says of some broken MP3 files
        yield from _decode_by_ffmpeg(path, "the format is not recognised." if unknown else error.error_string)
        return
    with opened:
        yield from _decode_by_libsndfile(opened, path)


def _decode_by_libsndfile(file: soundfile.SoundFile, path: Path) -> Iterator[Block]:
    with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        missing = wav_bytes_missing(content)
    if missing:
        raise AudioError(f"truncated: {missing} bytes of the audio that its header announces are not there")
    kind = "int16" if file.subtype in SIXTEEN_BITS else "float32"
    bounded = file.subtype.startswith(("PCM_", "ALAC_", "DPCM_", "DWVW_"))
    frames, found = max(1, BLOCK_VALUES // file.channels), 0
    while True:
        try:
            samples = file.read(frames, dtype=kind, always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"not readable as audio beyond frame {found}: {error.error_string}") from error
        if not len(samples):
            break
        found += len(samples)
        yield Block(samples, int(file.samplerate), bounded)
    if found < file.frames:
        raise AudioError(f"truncated: its header announces {file.frames} frames, {found} are there")


def _decode_by_ffmpeg(path: Path, complaint: str) -> Iterator[Block]:
    program = shutil.which(FFMPEG)
    if program is None:
        raise AudioError(
            f"not readable as audio: {complaint} M4A and the sound of video need the program ffmpeg, which is not installed"
        )
    # Only files: a playlist must not make ffmpeg call up other machines.
    command = [program, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe"]
    command += ["-i", f"file:{os.fspath(path)}", "-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)
        try:
            assert process.stdout is not None
            yield from _read_au(process.stdout)
            if process.wait():
                complaints.seek(0)
                lines = complaints.read().decode("utf-8", "replace").splitlines()
                said = re.sub(
                    r"^\[.*? @ 0x\w+\] ", "", next((line for line in reversed(lines) if line.strip()), "nothing")
                )
                raise AudioError(f"not readable as audio: libsndfile says: {complaint} ffmpeg says: {said}")
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _read_au(stream: IO[bytes]) -> Iterator[Block]:
    """Yield the blocks of an AU stream of big-endian floats; nothing if it has no header."""
    header = stream.read(AU_HEADER.size)
    if len(header) < AU_HEADER.size:
        return
    _, offset, _, _, rate, channels = AU_HEADER.unpack(header)
    stream.read(offset - AU_HEADER.size)
    wanted = max(1, BLOCK_VALUES // channels) * channels * 4
    while data := stream.read(wanted):
        whole = len(data) // (4 * channels) * 4 * channels
        samples = np.frombuffer(data[:whole], dtype=">f4").astype(np.float32).reshape(-1, channels)
        yield Block(samples, rate, bounded=False)
