"""The Philharmonia Orchestra's sound samples: an archive of archives, one an instrument, and the names of their files.

MP3, mono, 44.1 kHz, one note or stroke each: `<instrument>_<pitch>_<length>_<dynamic>_<way of playing>.mp3`, the pitch
empty where there is none. Percussion instruments lie together in `percussion`. All of an instrument's notes are one
recording: nobody says which of the orchestra's musicians played them.

Source: philharmonia.co.uk/resources/sound-samples.
"""

import re
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.philharmonia.card import ARCHIVE
from instrumentarium.corpora.philharmonia.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.archives import AUDIO_BYTES, RECORDING_BYTES, OversizedError, ZipMembers
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, alone
from instrumentarium.corpora.source.opening import Members, open_members

NOTE = re.compile(
    r"^(?P<instrument>[a-z-]+)_(?P<pitch>[A-G]s?\d|)_(?P<length>[a-z0-9-]+)_(?P<dynamic>[a-z-]+)_(?P<way>[a-z0-9-]+)\.mp3$"
)


def read_clips(folder: Path) -> Source:
    """Yield every note of the archive in `folder`, or of its listing, whether or not the archives inside were unpacked.

    Raises:
        ArchiveError: if the archive, or one inside it, is missing or broken.
    """
    archive = open_members(folder, ARCHIVE, "philharmonia")
    for name, member in archive.names():
        path = PurePosixPath(name)
        if path.name.startswith("._") or path.parts[0] == "__MACOSX":
            continue  # notes that macOS leaves in archives
        if path.suffix == ".zip":
            inside = ZipMembers(folder / ARCHIVE / name, "philharmonia", content=archive.read(member, RECORDING_BYTES))
            for inner, number in inside.names():
                if PurePosixPath(inner).suffix == ".mp3" and not PurePosixPath(inner).name.startswith("._"):
                    yield _note(f"{path.with_suffix('')}/{PurePosixPath(inner).name}", inside, number)
            inside.close()
        elif path.suffix == ".mp3":
            yield _note(name, archive, member)
    archive.close()


def _note(path: str, archive: Members, member: int) -> SourceClip | Rejection:
    name = PurePosixPath(path)
    match = NOTE.match(name.name)
    if match is None:
        return Rejection(path, "its name is not <instrument>_<pitch>_<length>_<dynamic>_<way of playing>.mp3")
    folders = [part for part in name.parts[:-1] if part in MEANINGS]
    label = "percussion" if "percussion" in folders else match["instrument"]
    if label not in MEANINGS:
        return Rejection(path, f"unknown instrument {label!r}; known: {', '.join(MEANINGS)}")
    try:
        data = archive.read(member, AUDIO_BYTES)
    except OversizedError as error:
        return Rejection(path, str(error))
    return SourceClip(
        path=path,
        data=data,
        recording=match["instrument"],
        labels=alone(label),
        official_split="",
        licence=LICENCE,
    )
