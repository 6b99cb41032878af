"""Reading a SoundFont bank: which stretch of which sample sounds for a program, a key and a velocity, and how it is shaped.

Only what the miniature needs is read: key and velocity ranges, tuning, loops, attenuation and the volume envelope. Of a
stereo pair the left half is taken, since the room makes the stereo image later. Filters and modulators are ignored:
brightness is drawn by the player.

In an SF3 file each sample is an Ogg Vorbis file of its own: its start and end are bytes of the sample chunk, its loop is
counted from the beginning of the decoded sound. Such a sample is decoded when it is first played.
Sources: SoundFont Technical Specification 2.04, sections 7 and 8; for SF3, MuseScore's sftools and FluidSynth.
"""

import functools
import importlib.util
import io
import itertools
import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from instrumentarium.runtime.errors import UserError

Generators = dict[int, int]

START, END, LOOP_START, LOOP_END = 0, 1, 2, 3  # offsets in samples; 4, 12, 45, 50 are the same in units of 32,768
COARSE = {START: 4, END: 12, LOOP_START: 45, LOOP_END: 50}
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
INSTRUMENT, KEY_RANGE, VELOCITY_RANGE, ATTENUATION, COARSE_TUNE, FINE_TUNE, SAMPLE = 41, 43, 44, 48, 51, 52, 53
SAMPLE_MODES, SCALE_TUNING, ROOT_KEY = 54, 56, 58
DEFAULTS = {ATTACK: -12000, HOLD: -12000, DECAY: -12000, RELEASE: -12000, SCALE_TUNING: 100}
DRUM_BANK = 128
RIGHT_HALF, VORBIS, ROM = 0x2, 0x10, 0x8000  # kinds of samples; the second is SF3's
Fonts = tuple[Path | None, ...]
"""SoundFonts that players are dealt; None is the one that pretty_midi ships."""
SHIPPED: Fonts = (None,)
SampleHeader = tuple[bytes, int, int, int, int, int, int, int, int, int]


class SoundFontError(UserError, ValueError):
    """A file that is no SoundFont, is broken, or lacks what is to be played."""


@dataclass(frozen=True)
class Zone:
    """One sample as one range of keys and velocities plays it; positions are indices into `SoundFont.waveform`."""

    sample: int  # its number in the bank
    low_key: int
    high_key: int
    low_velocity: int
    high_velocity: int
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
    """A bank: its samples, and the zones of each (bank, program)."""

    content: memoryview = field(repr=False)  # of the sample chunk: 16-bit PCM end to end, or Vorbis files
    vorbis: Mapping[int, tuple[int, int]]  # where samples that are such files lie in it, by number
    presets: Mapping[tuple[int, int], tuple[Zone, ...]]
    _decoded: dict[int, NDArray[np.int16]] = field(default_factory=dict, repr=False)

    def has(self, program: int, *, drums: bool = False) -> bool:
        """Whether anything sounds for a program."""
        return bool(self.presets.get((DRUM_BANK if drums else 0, program)))

    def zones(self, program: int, key: int, *, drums: bool = False, velocity: float = 1.0) -> tuple[Zone, ...]:
        """The layers that sound for `key` at a velocity in (0, 1], or else the nearest one; a drum key may have none."""
        zones = self.presets[(DRUM_BANK if drums else 0, program)]
        fitting = tuple(zone for zone in zones if zone.low_key <= key <= zone.high_key)
        if not fitting and not drums:
            return (
                min(zones, key=lambda zone: (max(zone.low_key - key, key - zone.high_key), _distance(zone, velocity))),
            )
        nearest = min((_distance(zone, velocity) for zone in fitting), default=0)
        return tuple(zone for zone in fitting if _distance(zone, velocity) == nearest)

    def waveform(self, zone: Zone) -> NDArray[np.int16]:
        """What a zone's positions count; one sample more is there, to interpolate with.

        Raises:
            SoundFontError: if the sample is no Vorbis file where it must be.
        """
        if zone.sample not in self.vorbis:
            return np.frombuffer(self.content, "<i2", count=len(self.content) // 2)
        if zone.sample not in self._decoded:
            begin, end = self.vorbis[zone.sample]
            try:
                pcm, _ = soundfile.read(io.BytesIO(self.content[begin:end]), dtype="int16", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise SoundFontError(f"sample {zone.sample} of the SoundFont cannot be decoded: {error}") from error
            self._decoded[zone.sample] = np.append(pcm[:, 0], np.int16(0))
        return self._decoded[zone.sample]


def _distance(zone: Zone, velocity: float) -> int:
    """Return how far, in MIDI's velocities, one in (0, 1] is from those at which a zone sounds; 0 at them."""
    midi = max(1, round(127 * velocity))
    return max(zone.low_velocity - midi, midi - zone.high_velocity, 0)


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


def load_soundfont(path: Path | None = None) -> SoundFont:
    """A bank, by default the one that pretty_midi ships, read once a process.

    Raises:
        SoundFontError: if the file is no SoundFont, or a broken one.
    """
    return _read_once(path or soundfont_path())


def fonts_with(fonts: Fonts, program: int, *, drums: bool = False, name: str) -> Fonts:
    """Those of the SoundFonts in which a program sounds.

    Args:
        fonts: their paths; None for the one that pretty_midi ships.
        program: of General MIDI; with `drums`, a drum kit.
        drums: whether it is a drum kit.
        name: of what it stands for, named in the error.

    Raises:
        SoundFontError: if there is none, or one of them is no SoundFont.
    """
    able = tuple(font for font in fonts if load_soundfont(font).has(program, drums=drums))
    if not able:
        raise SoundFontError(
            f"no SoundFont of the collection has {'drums' if drums else 'program'} {program} ({name}); "
            "add TimGM6mb to soundfonts in params.yaml"
        )
    return able


@functools.cache
def _read_once(path: Path) -> SoundFont:
    return read_soundfont(path)


def read_soundfont(path: Path) -> SoundFont:
    """Read an SF2 or SF3 file.

    Raises:
        SoundFontError: if the file is not a SoundFont bank, or a broken one.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"sfbk":
            raise SoundFontError(f"{path} is not a SoundFont 2 bank: it begins with {head!r}")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # in memory once for all workers
    chunks: dict[bytes, memoryview] = {}
    for name, body in _chunks(content[12:]):
        if name == b"LIST":
            chunks.update(_chunks(body[4:]))
    try:
        headers: list[SampleHeader] = list(struct.iter_unpack("<20sIIIIIBbHH", chunks[b"shdr"]))
        packed = {number: (header[1], header[2]) for number, header in enumerate(headers) if header[9] & VORBIS}
        samples = chunks[b"smpl"]
        ends = {number: soundfile.info(io.BytesIO(samples[slice(*place)])).frames for number, place in packed.items()}
        for number, end in ends.items():
            headers[number] = (headers[number][0], 0, end, *headers[number][3:])
        pcm = max(0, len(samples) // 2 - 1)  # the last one is there to interpolate with
        presets = _presets(chunks, headers, [ends.get(number, pcm) for number in range(len(headers))])
    except (KeyError, IndexError, struct.error, soundfile.LibsndfileError) as error:
        raise SoundFontError(f"{path} is a broken SoundFont ({type(error).__name__}: {error})") from error
    return SoundFont(content=samples, vorbis=packed, presets=presets)


def _chunks(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        yield bytes(content[position : position + 4]), content[position + 8 : position + 8 + size]
        position += 8 + size
        # a byte that pads to an even length is zero; MuseScore's SF3 writer leaves it out
        position += size % 2 and bytes(content[position : position + 1]) == b"\0"


def _bags(generators: memoryview, bags: memoryview, first: int, last: int) -> tuple[Generators, list[Generators]]:
    """The global generators and the zones' own ones of bags first … last − 1."""
    zones = []
    for bag in range(first, last):
        begin, end = (struct.unpack_from("<H", bags, 4 * index)[0] for index in (bag, bag + 1))
        zones.append(dict(struct.iter_unpack("<Hh", generators[4 * begin : 4 * end])))
    common = zones.pop(0) if zones and not {INSTRUMENT, SAMPLE} & set(zones[0]) else {}
    return common, zones


def _presets(
    chunks: Mapping[bytes, memoryview], samples: list[SampleHeader], lengths: list[int]
) -> dict[tuple[int, int], tuple[Zone, ...]]:
    """Return the zones of each (bank, program); `lengths` bound the positions of each sample."""
    headers = list(struct.iter_unpack("<20sHHHIII", chunks[b"phdr"]))
    instruments = list(struct.iter_unpack("<20sH", chunks[b"inst"]))
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
                _zone({**DEFAULTS, **common, **own}, {**outer_common, **outer}, own[SAMPLE], samples, lengths)
                for own in inner
                if SAMPLE in own and not samples[own[SAMPLE]][9] & (RIGHT_HALF | ROM)
            ]
        sounding = (zone for zone in zones if zone.start < zone.end and zone.low_key <= zone.high_key)
        presets[(header[2], header[1])] = tuple(zone for zone in sounding if zone.low_velocity <= zone.high_velocity)
    return presets


def _zone(inner: Generators, outer: Generators, number: int, samples: list[SampleHeader], lengths: list[int]) -> Zone:
    _, start, end, loop_start, loop_end, rate, original_key, correction, _, _ = samples[number]

    def total(code: int) -> int:
        return inner.get(code, 0) + outer.get(code, 0)

    def offset(code: int) -> int:
        return inner.get(code, 0) + 32768 * inner.get(COARSE[code], 0)

    def seconds(code: int) -> float:
        return float(2.0 ** (max(-12000, total(code)) / 1200.0))

    def place(position: int, code: int) -> int:
        return min(max(0, position + offset(code)), lengths[number])

    keys = [_range(generators.get(KEY_RANGE)) for generators in (inner, outer)]
    velocities = [_range(generators.get(VELOCITY_RANGE)) for generators in (inner, outer)]
    root = inner.get(ROOT_KEY, -1)
    tuning = total(COARSE_TUNE) + (total(FINE_TUNE) + correction) / 100.0
    return Zone(
        sample=number,
        low_key=max(low for low, _ in keys),
        high_key=min(high for _, high in keys),
        low_velocity=max(low for low, _ in velocities),
        high_velocity=min(high for _, high in velocities),
        start=place(start, START),
        end=place(end, END),
        loop_start=place(loop_start, LOOP_START),
        loop_end=place(loop_end, LOOP_END),
        loops=bool(inner.get(SAMPLE_MODES, 0) & 1)
        and place(loop_end, LOOP_END) - place(loop_start, LOOP_START) > 1
        and place(loop_start, LOOP_START) >= place(start, START),
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


def _range(value: int | None) -> tuple[int, int]:
    return (0, 127) if value is None else (value & 0xFF, (value >> 8) & 0xFF)
