"""Reading a SoundFont 2 bank: which stretch of which sample sounds for a program and a key, and how it is shaped.

Only what the miniature needs is read: key ranges, tuning, loops, attenuation and the volume envelope. Of a stereo pair
the left half is taken, since the room makes the stereo image later. Filters and modulators are ignored: brightness is
drawn by the player.
Source: SoundFont Technical Specification 2.04, sections 7 and 8.
"""

import functools
import importlib.util
import itertools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Generators = dict[int, int]

START, END, LOOP_START, LOOP_END = 0, 1, 2, 3  # offsets in samples; 4, 12, 45, 50 are the same in units of 32,768
COARSE = {START: 4, END: 12, LOOP_START: 45, LOOP_END: 50}
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
INSTRUMENT, KEY_RANGE, ATTENUATION, COARSE_TUNE, FINE_TUNE, SAMPLE = 41, 43, 48, 51, 52, 53
SAMPLE_MODES, SCALE_TUNING, ROOT_KEY = 54, 56, 58
DEFAULTS = {ATTACK: -12000, HOLD: -12000, DECAY: -12000, RELEASE: -12000, SCALE_TUNING: 100}
DRUM_BANK = 128
RIGHT_HALF = 2


@dataclass(frozen=True)
class Zone:
    """One sample as one range of keys plays it; positions are indices into `SoundFont.samples`."""

    low_key: int
    high_key: int
    start: int
    end: int
    loop_start: int
    loop_end: int
    loops: bool
    sample_rate_hz: int
    root_pitch: float  # MIDI pitch at which the sample plays at its own rate, tuning included
    semitones_per_key: float
    gain: float
    attack_s: float
    hold_s: float
    decay_s: float  # for a fall of 100 dB
    sustain_db: float  # how far below the peak the decay ends
    release_s: float  # for a fall of 100 dB


@dataclass(frozen=True)
class SoundFont:
    """A bank: all samples end to end as float64 in [-1, 1), and the zones of each (bank, program)."""

    samples: NDArray[np.float64]
    steps: NDArray[np.float64]  # from each sample to the next, for interpolation
    presets: Mapping[tuple[int, int], tuple[Zone, ...]]

    def zones(self, program: int, key: int, *, drums: bool = False) -> tuple[Zone, ...]:
        """The layers that sound for `key`, or for a melodic program the nearest one; a drum key may have none."""
        zones = self.presets[(DRUM_BANK if drums else 0, program)]
        fitting = tuple(zone for zone in zones if zone.low_key <= key <= zone.high_key)
        if fitting or drums:
            return fitting
        return (min(zones, key=lambda zone: max(zone.low_key - key, key - zone.high_key)),)


def soundfont_path() -> Path:
    """The SoundFont that the pretty_midi package ships.

    Raises:
        FileNotFoundError: if the package or its SoundFont is not installed.
    """
    found = importlib.util.find_spec("pretty_midi")
    folders = [] if found is None else list(found.submodule_search_locations or [])
    for folder in folders:
        path = Path(folder) / "TimGM6mb.sf2"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"TimGM6mb.sf2 was not found in {folders or 'any installed package'}; "
        "reinstall pretty_midi (`pip install --force-reinstall pretty_midi`), which ships it"
    )


@functools.cache
def load_soundfont() -> SoundFont:
    """The bank that pretty_midi ships, read once a process."""
    return read_soundfont(soundfont_path())


def read_soundfont(path: Path) -> SoundFont:
    """Read a SoundFont 2 file.

    Raises:
        ValueError: if the file is not a SoundFont 2 bank.
    """
    content = path.read_bytes()
    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise ValueError(f"{path} is not a SoundFont 2 bank: it begins with {content[:12]!r}")
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(content[12:]):
        if name == b"LIST":
            chunks.update(_chunks(body[4:]))
    samples = np.frombuffer(chunks[b"smpl"], "<i2").astype(np.float64) / 32768.0
    return SoundFont(samples=samples, steps=np.diff(samples, append=0.0), presets=_presets(chunks))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        yield content[position : position + 4], content[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def _bags(generators: bytes, bags: bytes, first: int, last: int) -> tuple[Generators, list[Generators]]:
    """The global generators and the zones' own ones of bags first … last − 1."""
    zones = []
    for bag in range(first, last):
        begin, end = (struct.unpack_from("<H", bags, 4 * index)[0] for index in (bag, bag + 1))
        zones.append(dict(struct.iter_unpack("<Hh", generators[4 * begin : 4 * end])))
    common = zones.pop(0) if zones and not {INSTRUMENT, SAMPLE} & set(zones[0]) else {}
    return common, zones


def _presets(chunks: Mapping[bytes, bytes]) -> dict[tuple[int, int], tuple[Zone, ...]]:
    headers = list(struct.iter_unpack("<20sHHHIII", chunks[b"phdr"]))
    instruments = list(struct.iter_unpack("<20sH", chunks[b"inst"]))
    samples = list(struct.iter_unpack("<20sIIIIIBbHH", chunks[b"shdr"]))
    presets = {}
    for header, following in itertools.pairwise(headers):
        zones = []
        outer_common, outer_zones = _bags(chunks[b"pgen"], chunks[b"pbag"], header[3], following[3])
        for outer in outer_zones:
            if INSTRUMENT not in outer:
                continue
            index = outer[INSTRUMENT]
            common, inner = _bags(chunks[b"igen"], chunks[b"ibag"], instruments[index][1], instruments[index + 1][1])
            zones += [
                _zone({**DEFAULTS, **common, **own}, {**outer_common, **outer}, samples[own[SAMPLE]])
                for own in inner
                if SAMPLE in own and samples[own[SAMPLE]][9] & 0x7FFF != RIGHT_HALF
            ]
        presets[(header[2], header[1])] = tuple(zones)
    return presets


def _zone(
    inner: Generators, outer: Generators, sample: tuple[bytes, int, int, int, int, int, int, int, int, int]
) -> Zone:
    _, start, end, loop_start, loop_end, rate, original_key, correction, _, _ = sample

    def total(code: int) -> int:
        return inner.get(code, 0) + outer.get(code, 0)

    def offset(code: int) -> int:
        return inner.get(code, 0) + 32768 * inner.get(COARSE[code], 0)

    def seconds(code: int) -> float:
        return float(2.0 ** (max(-12000, total(code)) / 1200.0))

    keys = [_key_range(generators.get(KEY_RANGE)) for generators in (inner, outer)]
    root = inner.get(ROOT_KEY, -1)
    tuning = total(COARSE_TUNE) + (total(FINE_TUNE) + correction) / 100.0
    return Zone(
        low_key=max(low for low, _ in keys),
        high_key=min(high for _, high in keys),
        start=start + offset(START),
        end=end + offset(END),
        loop_start=loop_start + offset(LOOP_START),
        loop_end=loop_end + offset(LOOP_END),
        loops=bool(inner.get(SAMPLE_MODES, 0) & 1)
        and loop_end + offset(LOOP_END) - loop_start - offset(LOOP_START) > 1,
        sample_rate_hz=rate,
        root_pitch=(original_key if root < 0 else root) - tuning,
        semitones_per_key=total(SCALE_TUNING) / 100.0,
        gain=float(10.0 ** (-0.4 * total(ATTENUATION) / 200.0)),
        attack_s=seconds(ATTACK),
        hold_s=seconds(HOLD),
        decay_s=seconds(DECAY),
        sustain_db=max(0, total(SUSTAIN)) / 10.0,
        release_s=seconds(RELEASE),
    )


def _key_range(value: int | None) -> tuple[int, int]:
    return (0, 127) if value is None else (value & 0xFF, (value >> 8) & 0xFF)
