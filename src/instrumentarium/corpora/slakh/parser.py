"""Slakh2100: its mixes, and the MIDI files of their stems.

Slakh2100-redux has 1,710 tracks, 44.1 kHz, mono, in three parts, and in a fourth 390 that repeat others and are left out.
A track's folder holds metadata.yaml, mix.flac, and for each stem stems/Snn.flac and MIDI/Snn.mid. Each mix is cut into
clips, whose labels are the programs that play there; so a note that a sampled instrument lets ring is known by its end in
MIDI. A track is a recording. BabySlakh is the first 20 tracks at 16 kHz, as WAV.

Source: Manilow, Wichern, Seetharaman, Le Roux: Cutting Music Source Separation Some Slakh, WASPAA 2019.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pretty_midi
import yaml
from pydantic import TypeAdapter

from instrumentarium.corpora.slakh.card import ARCHIVES
from instrumentarium.corpora.slakh.labels import DRUMS, MEANINGS
from instrumentarium.corpora.slakh.published import LICENCE, SPLITS
from instrumentarium.corpora.source.archives import RECORDING_BYTES, TABLE_BYTES, OversizedError, oversized
from instrumentarium.corpora.source.cutting import WholeRecording, cut
from instrumentarium.corpora.source.members import Rejection, Source, Stretch
from instrumentarium.corpora.source.opening import stream_members

_FILE = re.compile(
    r"^(?P<track>.+/Track\d{5})/(?P<file>metadata\.yaml|mix\.(?:flac|wav)|(?:MIDI|stems)/S\d+\.(?:mid|flac|wav))$"
)


@dataclass(frozen=True)
class _Stem:
    program_num: int
    is_drum: bool


@dataclass(frozen=True)
class _Metadata:
    stems: dict[str, _Stem]


_METADATA: TypeAdapter[_Metadata] = TypeAdapter(_Metadata)


@dataclass
class _Track:
    """What was met of a track: its files but for the stems' audio, of which the names are enough."""

    folder: str
    files: dict[str, bytes | OversizedError] = field(default_factory=dict)


def read_clips(folder: Path, parts: Sequence[str]) -> Source:
    """Yield the clips of every track of the archives of `parts` in `folder`.

    An archive is read once, one track at a time in memory: the files of a track lie together in it.

    Raises:
        ArchiveError: if an archive is missing or broken.
    """
    for part in parts:
        stems: dict[str, set[str]] = {}
        for track in _tracks(folder, ARCHIVES[part], stems):
            yield from _clips_of(track, stems.pop(track.folder, set()))


def _tracks(folder: Path, archive: str, stems: dict[str, set[str]]) -> Iterator[_Track]:
    """Yield the tracks of an archive; into `stems` go the stems of each whose audio is there."""

    def wanted(name: str) -> bool:
        match = _FILE.match(name)
        if match is None or not match["file"].startswith("stems/"):
            return match is not None
        stems.setdefault(match["track"], set()).add(Path(name).stem)
        return False

    track: _Track | None = None
    for path, data in stream_members(folder, archive, "slakh", wanted, RECORDING_BYTES):
        match = _FILE.match(path)
        assert match is not None
        if track is None or track.folder != match["track"]:
            if track is not None:
                yield track
            track = _Track(match["track"])
        track.files[match["file"]] = data
    if track is not None:
        yield track


def _clips_of(track: _Track, stems: set[str]) -> Source:
    mix = next((name for name in ("mix.flac", "mix.wav") if name in track.files), "mix.flac")
    path, split = f"{track.folder}/{mix}", track.folder.split("/")[-2]
    if split == "omitted":
        yield Rejection(path, "its publisher leaves it out: it repeats another track")
        return
    official = split if split in SPLITS else ""
    data = track.files.get(mix)
    if not isinstance(data, bytes):
        yield Rejection(path, "there is no mix" if data is None else str(data), official)
        return
    try:
        metadata = _METADATA.validate_python(yaml.safe_load(_content(track, "metadata.yaml")))
        sounding, unsure = _stretches(track, metadata, stems)
    except (ValueError, yaml.YAMLError) as error:
        yield Rejection(path, f"its metadata.yaml or MIDI files cannot be used: {error}", official)
        return
    yield from cut(
        WholeRecording(
            path=path,
            data=data,
            recording=track.folder.split("/")[-1],
            sounding=sounding,
            unsure=unsure,
            official_split=official,
            licence=LICENCE,
        )
    )


def _content(track: _Track, name: str) -> bytes:
    """Return a file of a track.

    Raises:
        ValueError: if it is not there, or, as an OversizedError, if it is too large.
    """
    data = track.files.get(name)
    if data is None:
        raise ValueError(f"{name} is missing")
    if isinstance(data, OversizedError):
        raise data
    if len(data) > TABLE_BYTES:
        raise oversized(len(data), TABLE_BYTES)
    return data


def _read_midi(data: bytes, stem: str) -> pretty_midi.PrettyMIDI:
    """Return the content of a stem's MIDI file.

    Raises:
        ValueError: if it is none.
    """
    try:
        return pretty_midi.PrettyMIDI(io.BytesIO(data))
    except Exception as error:  # mido has an error of its own for each thing that can be wrong
        raise ValueError(f"MIDI/{stem}.mid is not readable: {type(error).__name__}: {error}") from error


def _stretches(track: _Track, metadata: _Metadata, stems: set[str]) -> tuple[list[Stretch], list[str]]:
    """Return when each program sounds, and the programs of stems that are in the mix and have no MIDI file.

    Raises:
        ValueError: if a MIDI file is none, or a program number is none.
    """
    sounding: list[Stretch] = []
    unsure: list[str] = []
    for name, stem in sorted(metadata.stems.items()):
        if name not in stems:
            continue  # not rendered, so not in the mix
        label = DRUMS if stem.is_drum else str(stem.program_num)
        if label not in MEANINGS:
            raise ValueError(f"stem {name} has program {label}; known are 0 to {DRUMS}")
        if f"MIDI/{name}.mid" not in track.files:
            unsure.append(label)
            continue
        midi = _read_midi(_content(track, f"MIDI/{name}.mid"), name)
        sounding += [
            (label, float(note.start), float(note.end)) for played in midi.instruments for note in played.notes
        ]
    return sounding, unsure
