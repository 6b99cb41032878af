"""MedleyDB: its mixes, and the activations of their stems.

196 songs, 44.1 kHz, stereo. <song>_MIX.wav is the mix; <song>_METADATA.yaml says which instrument each stem is and who
plays; <song>_ACTIVATION_CONF.lab says every 46 ms how surely each stem sounds, from 0 to 1. A stem sounds where that is at
least one half. Each mix is cut into clips, whose labels are the instruments that play there. The songs of an artist are one
recording. Of a song without activations it is known which instruments it has, but not when they play.

Source: Bittner et al.: MedleyDB: A Multitrack Dataset for Annotation-Intensive MIR Research, ISMIR 2014, section 3.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml
from pydantic import TypeAdapter, ValidationError

from instrumentarium.corpora.medleydb.card import ANNOTATIONS, ARCHIVES
from instrumentarium.corpora.medleydb.labels import MEANINGS
from instrumentarium.corpora.medleydb.published import LICENCE
from instrumentarium.corpora.source.archives import RECORDING_BYTES, TABLE_BYTES, OversizedError
from instrumentarium.corpora.source.cutting import WholeRecording, cut
from instrumentarium.corpora.source.members import Rejection, Source, Stretch
from instrumentarium.corpora.source.opening import open_members, stream_members

MIX, METADATA, ACTIVATIONS = "_MIX.wav", "_METADATA.yaml", "_ACTIVATION_CONF.lab"
SOUNDS = 0.5
"""The least confidence with which a stem counts as sounding."""


@dataclass(frozen=True)
class _Stem:
    instrument: str | list[str]


@dataclass(frozen=True)
class _Song:
    artist: str
    stems: dict[str, _Stem]
    genre: str = ""


_SONG: TypeAdapter[_Song] = TypeAdapter(_Song)


def read_clips(folder: Path, parts: Sequence[str]) -> Source:
    """Yield the clips of every song of the archives of `parts` in `folder`.

    Raises:
        ArchiveError: if an archive is missing or broken.
    """
    notes = _read_annotations(folder)
    for part in parts:
        for path, data in stream_members(folder, ARCHIVES[part], "medleydb", _is_mix, RECORDING_BYTES):
            name = PurePosixPath(path).name.removesuffix(MIX)
            placed = path if part in path.lower().split("/") else f"{part.upper()}/{path}"
            if isinstance(data, OversizedError):
                yield Rejection(placed, str(data))
                continue
            try:
                song = _SONG.validate_python(yaml.safe_load(_needed(notes, f"{name}{METADATA}")))
                sounding, unsure = _stretches(song, notes.get(f"{name}{ACTIVATIONS}"))
            except (ValueError, yaml.YAMLError, ValidationError) as error:
                yield Rejection(placed, f"its annotations cannot be used: {error}")
                continue
            yield from cut(
                WholeRecording(
                    path=placed,
                    data=data,
                    recording=song.artist,
                    sounding=sounding,
                    unsure=unsure,
                    official_split="",
                    licence=LICENCE,
                    genre=song.genre,
                )
            )


def _is_mix(name: str) -> bool:
    return name.endswith(MIX) and not PurePosixPath(name).name.startswith("._")


def _read_annotations(folder: Path) -> dict[str, bytes]:
    """Return the metadata and activations of all songs by their files' names."""
    archive = open_members(folder, ANNOTATIONS, "medleydb")
    wanted = [(PurePosixPath(name).name, member) for name, member in archive.names()]
    found = {
        name: archive.read(member, TABLE_BYTES) for name, member in wanted if name.endswith((METADATA, ACTIVATIONS))
    }
    archive.close()
    return found


def _needed(notes: Mapping[str, bytes], name: str) -> bytes:
    if name not in notes:
        raise ValueError(f"{name} is missing")
    return notes[name]


def _stretches(song: _Song, activations: bytes | None) -> tuple[list[Stretch], list[str]]:
    """Return when each instrument sounds, and the instruments of which nobody knows when they do.

    The latter are those of stems that the activations do not have, or that hold several instruments.

    Raises:
        ValueError: if an instrument is unknown, or the activations are none.
    """
    confidence = {} if activations is None else _read_activations(activations)
    sounding: list[Stretch] = []
    unsure: list[str] = []
    for name, stem in sorted(song.stems.items()):
        instruments = [stem.instrument] if isinstance(stem.instrument, str) else stem.instrument
        unknown = sorted(set(instruments) - set(MEANINGS))
        if unknown:
            raise ValueError(f"stem {name} is of unknown instrument {unknown[0]!r}")
        if len(instruments) == 1 and name in confidence:
            sounding += [(instruments[0], start_s, end_s) for start_s, end_s in confidence[name]]
        else:
            unsure += instruments
    return sounding, unsure


def _read_activations(data: bytes) -> dict[str, list[tuple[float, float]]]:
    """Return for each stem from when to when it sounds, in s.

    Raises:
        ValueError: if it is no table of times and confidences.
    """
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    header = rows[0] if rows else []
    if header[:1] != ["time"]:
        raise ValueError(f"the activations must begin with a column time; found {header[:3]}")
    try:
        values = [[float(value) for value in row] for row in rows[1:]]
    except ValueError as error:
        raise ValueError(f"the activations hold something else than numbers: {error}") from error
    if any(len(row) != len(header) or not all(map(math.isfinite, row)) for row in values):
        raise ValueError("the activations must have a number in every column of each row")
    times = [row[0] for row in values]
    ends = [*times[1:], *([2 * times[-1] - times[-2]] if len(times) > 1 else times)]
    return {
        name: [(start, end) for start, end, row in zip(times, ends, values, strict=True) if row[column] >= SOUNDS]
        for column, name in enumerate(header)
        if column
    }
