"""Small SoundFonts for tests: one preset whose zones play one sample each, as SF2 or, with Vorbis samples, as SF3."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from instrumentarium.miniature.synthesis.soundfont import (
    INSTRUMENT,
    KEY_RANGE,
    SAMPLE,
    SAMPLE_MODES,
    VELOCITY_RANGE,
    VORBIS,
)


@dataclass(frozen=True)
class Sounding:
    """A zone: its sample (int16), the MIDI pitch it sounds at, its loop, its ranges, and the kind of its sample."""

    samples: np.ndarray
    root: int = 69
    loop: tuple[int, int] = (0, 0)
    keys: tuple[int, int] = (0, 127)
    velocities: tuple[int, int] = (0, 127)
    kind: int = 1
    rate: int = 44_100


def bank(zones: Sequence[Sounding], *, vorbis: bool = False, program: int = 0) -> bytes:
    """Return the bytes of a SoundFont whose bank 0 has one program; as MuseScore does, SF3 is not padded."""
    data, headers = b"", b""
    for number, zone in enumerate(zones):
        if vorbis:
            packed = io.BytesIO()
            soundfile.write(packed, zone.samples, zone.rate, format="OGG", subtype="VORBIS")
            begin, end, shift, sample = len(data), len(data) + len(packed.getvalue()), 0, packed.getvalue()
        else:
            begin = shift = len(data) // 2
            end, sample = begin + len(zone.samples), zone.samples.astype("<i2").tobytes() + bytes(92)
        data += sample
        places = (begin, end, shift + zone.loop[0], shift + zone.loop[1])
        kind = zone.kind | (VORBIS if vorbis else 0)
        headers += struct.pack("<20sIIIIIBbHH", f"s{number}".encode(), *places, zone.rate, zone.root, 0, 0, kind)
    headers += struct.pack("<20sIIIIIBbHH", b"EOS", *[0] * 9)
    generators, bags = b"", b""
    for number, zone in enumerate(zones):
        bags += struct.pack("<HH", len(generators) // 4, 0)
        generators += struct.pack("<HBB", KEY_RANGE, *zone.keys) + struct.pack("<HBB", VELOCITY_RANGE, *zone.velocities)
        generators += struct.pack("<HH", SAMPLE_MODES, int(zone.loop[1] > 0)) + struct.pack("<HH", SAMPLE, number)
    bags += struct.pack("<HH", len(generators) // 4, 0)
    presets = struct.pack("<20sHHHIII", b"p", program, 0, 0, 0, 0, 0) + struct.pack(
        "<20sHHHIII", b"EOP", *[0] * 2, 1, *[0] * 3
    )
    parts = {
        b"phdr": presets,
        b"pbag": struct.pack("<HHHH", 0, 0, 1, 0),
        b"pgen": struct.pack("<HHHH", INSTRUMENT, 0, 0, 0),
        b"inst": struct.pack("<20sH", b"i", 0) + struct.pack("<20sH", b"EOI", len(zones)),
        b"ibag": bags,
        b"igen": generators + bytes(4),
        b"shdr": headers,
    }
    body = b"sfbk" + _chunk(b"LIST", b"INFO" + _chunk(b"ifil", struct.pack("<HH", 3 if vorbis else 2, 1)))
    body += _chunk(b"LIST", b"sdta" + _chunk(b"smpl", data, padded=not vorbis), padded=not vorbis)
    body += _chunk(b"LIST", b"pdta" + b"".join(_chunk(name, part) for name, part in parts.items()))
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, body: bytes, *, padded: bool = True) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2 if padded else 0)
