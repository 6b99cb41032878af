"""good-sounds: its tables and takes.

Single notes and scales of 12 instruments by 15 musicians, 48 kHz, mono; many were recorded by several microphones at once,
each of which made a take. All takes of a musician's instrument are one recording. sounds.json says who plays what,
takes.json which file is a take of which sound.

Source: Romani Picas et al.: A Real-Time System for Measuring Sound Goodness in Instrumental Sounds, AES 138, 2015;
Zenodo records 820937 (audio) and 4588740 (tables).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from instrumentarium.corpora.good_sounds.card import ARCHIVE, SOUNDS, TAKES
from instrumentarium.corpora.good_sounds.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.archives import AUDIO_BYTES, TABLE_BYTES, ArchiveError, OversizedError, read_file
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, alone, nfc
from instrumentarium.corpora.source.opening import open_members
from instrumentarium.runtime.jsonfile import JsonError, parse_json

TOP = "good-sounds"
T = TypeVar("T")


@dataclass(frozen=True)
class _Sound:
    instrument: str
    player: str | None


@dataclass(frozen=True)
class _Take:
    filename: str
    sound_id: int


_SOUNDS_OF: TypeAdapter[dict[str, _Sound]] = TypeAdapter(dict[str, _Sound])
_TAKES_OF: TypeAdapter[dict[str, _Take]] = TypeAdapter(dict[str, _Take])


def read_clips(folder: Path) -> Source:
    """Yield every take of the archive in `folder`; what the tables do not name is rejected.

    Raises:
        ArchiveError: if the archive or a table is missing or broken.
    """
    sounds = _read(folder, SOUNDS, _SOUNDS_OF)
    takes = {nfc(f"{TOP}/{take.filename}"): take for take in _read(folder, TAKES, _TAKES_OF).values()}
    archive = open_members(folder, ARCHIVE, "good_sounds")
    found: set[str] = set()
    for name, member in archive.names():
        path = PurePosixPath(name)
        if path.suffix != ".wav" or path.name.startswith("._") or path.parts[0] == "__MACOSX":
            continue
        found.add(name)
        take = takes.get(name)
        sound = None if take is None else sounds.get(str(take.sound_id))
        if sound is None:
            yield Rejection(name, "audio without label: the tables do not name it")
        elif sound.instrument not in MEANINGS:
            yield Rejection(name, f"unknown instrument {sound.instrument!r}; known: {', '.join(MEANINGS)}")
        else:
            try:
                data = archive.read(member, AUDIO_BYTES)
            except OversizedError as error:
                yield Rejection(name, str(error))
                continue
            yield SourceClip(
                path=name,
                data=data,
                recording=f"{sound.instrument}-{sound.player or 'unknown'}",
                labels=alone(sound.instrument),
                official_split="",
                licence=LICENCE,
            )
    archive.close()
    for name in sorted(set(takes) - found):
        yield Rejection(name, "label without audio: the archive has no such file")


def _read(folder: Path, name: str, kind: TypeAdapter[dict[str, T]]) -> Mapping[str, T]:
    """Return a table by the ids of its rows.

    Raises:
        ArchiveError: if it is missing, or is not the published one.
    """
    try:
        return kind.validate_python(parse_json(read_file(folder, name, "good_sounds", TABLE_BYTES)))
    except (JsonError, ValidationError) as error:
        raise ArchiveError(f"{folder / name} is not the published table: {error}") from error
