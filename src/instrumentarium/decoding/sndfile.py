"""Reading by libsndfile: WAV, AIFF, FLAC, Ogg and the many formats it has beside them."""

from collections.abc import Iterator

import soundfile

from instrumentarium.decoding.content import Content, Reader
from instrumentarium.decoding.pcm import AudioError, Block

BLOCK_VALUES = 1 << 20
"""Samples of all channels together that are decoded at once: 2 MB as float32."""
SIXTEEN_BITS = frozenset({"PCM_16", "PCM_S8", "PCM_U8"})
"""Codings that 16-bit integers hold without loss."""
UNKNOWN_FRAMES = 1 << 55
"""From this number of frames on, none is announced."""
MAGICS = (
    b"RIFF",
    b"RIFX",
    b"RF64",
    b"riff\x2e\x91\xcf\x11",  # Wave64
    b"FORM",
    b".snd",
    b"dns.",
    b"caff",
    b"fLaC",
    b"OggS",
    b"NIST_1A",
    b"Creative Voice File",
    b"\x64\xa3",  # IRCAM
    b" paf",
    b"fap ",
    b"2BIT",
    b"MATLAB",
    b"\xf0\x7e",  # MIDI sample dump
    b"Extended Instrument",
)
"""What files begin with that libsndfile reads, but for MPEG audio, whose length it estimates."""


class ReadError(Exception):
    """Libsndfile cannot read a file, or not beyond some frame; the message is what it says."""


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """A file read from front to end: soundfile would seek to where it is already after every read."""

    def seekable(self) -> bool:
        return False


def read_blocks(content: Content, *, as_floats: bool = False) -> Iterator[Block]:
    """Yield the samples of a file in order: as 16-bit integers what these hold, unless `as_floats`.

    Raises:
        ReadError: if it cannot be read.
        AudioError: if it has fewer frames than it announces.
    """
    try:
        file = _Sequential(Reader(content))
    except soundfile.LibsndfileError as error:
        raise ReadError(error.error_string) from error
    with file:
        kind = "int16" if file.subtype in SIXTEEN_BITS and not as_floats else "float32"
        bounded = file.subtype.startswith(("PCM_", "ALAC_", "DPCM_", "DWVW_"))
        frames, found = max(1, BLOCK_VALUES // file.channels), 0
        while True:
            try:
                samples = file.read(min(frames, max(1, file.frames - found)), dtype=kind, always_2d=True)
            except soundfile.LibsndfileError as error:
                raise ReadError(f"beyond frame {found}: {error.error_string}") from error
            if not len(samples):
                break
            found += len(samples)
            yield Block(samples, int(file.samplerate), bounded)
        if found < file.frames < UNKNOWN_FRAMES:
            raise AudioError(f"truncated: its header announces {file.frames} frames, {found} are there")
