"""IRMAS: its names and label files.

6,705 training clips of 3 s, each labelled with its *predominant* instrument (others may sound too), and 2,874 testing
clips of 5 to 20 s, labelled with every instrument that sounds. Stereo, 44.1 kHz, 16 bit. Training names tell instrument,
drums, genre and recording; testing labels stand in a text file beside each clip.

Source: Bosch, Janer, Fuhrmann, Herrera: A comparison of sound segregation techniques for predominant instrument
recognition in musical audio signals, ISMIR 2012; Zenodo record 1290750.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.irmas.card import TESTING, TRAINING
from instrumentarium.corpora.irmas.published import CODES, LICENCE, TRAIN_NAME
from instrumentarium.corpora.source.archives import (
    AUDIO_BYTES,
    LABEL_BYTES,
    ArchiveError,
    OversizedError,
)
from instrumentarium.corpora.source.members import Drums, Rejection, Source, SourceClip, stem
from instrumentarium.corpora.source.opening import Members, open_members
from instrumentarium.corpora.source.unpacked import listing_of

_DRUMS: Mapping[str | None, Drums] = {"dru": "yes", "nod": "no", "---": "unknown", None: "unknown"}


def read_clips(folder: Path) -> Source:
    """Yield every clip of the training archive and of the testing archives that `folder` holds, or of their listings.

    Raises:
        ArchiveError: if the training archive or all testing archives are missing, or one is broken.
    """
    yield from _read_training(open_members(folder, f"{TRAINING}.zip", "irmas"))
    names = [f"{TESTING}{number}.zip" for number in range(10)]
    parts = [name for name in names if (folder / name).exists() or listing_of(folder, name).exists()]
    if not parts:
        raise ArchiveError(f"{folder} holds no {TESTING}<n>.zip; run `dvc repro download@irmas`")
    for part in parts:
        yield from _read_testing(open_members(folder, part, "irmas"))


def _read_training(archive: Members) -> Source:
    for name, member in archive.names():
        if not name.endswith(".wav"):
            continue  # the archive's README
        match = TRAIN_NAME.match(PurePosixPath(name).name)
        folder = PurePosixPath(name).parent.name
        if match is None:
            yield Rejection(name, "its name does not follow the training grammar [inst][drums][genre]dddd__d.wav")
        elif match["instrument"] not in CODES:
            yield Rejection(name, f"unknown instrument code {match['instrument']!r}; known: {' '.join(CODES)}")
        elif match["instrument"] != folder:
            yield Rejection(name, f"its name says {match['instrument']!r}, its folder {folder!r}")
        else:
            try:
                data = archive.read(member, AUDIO_BYTES)
            except OversizedError as error:
                yield Rejection(name, str(error))
                continue
            yield SourceClip(
                path=name,
                data=data,
                recording=f"train-{match['recording']}",
                labels={match["instrument"]: 1.0},
                official_split="train",
                genre=match["genre"],
                drums=_DRUMS[match["drums"]],
                licence=LICENCE,
            )
    archive.close()


def _read_testing(archive: Members) -> Source:
    members = archive.names()
    texts: dict[str, int] = {stem(name): member for name, member in members if name.endswith(".txt")}
    audio: Counter[str] = Counter(stem(name) for name, _ in members if name.endswith(".wav"))
    for name, member in members:
        key = stem(name)
        if name.endswith(".txt") and key not in audio and re.search(r"-\d+$", key):
            yield Rejection(name, "label file without audio: there is no .wav of this name")
        if not name.endswith(".wav"):
            continue
        if key not in texts:
            yield Rejection(name, "audio without label file: there is no .txt of this name")
            continue
        try:
            codes = archive.read(texts[key], LABEL_BYTES).decode("utf-8", errors="replace").split()
        except OversizedError as error:
            yield Rejection(name, f"its label file cannot be used: {error}")
            continue
        unknown = sorted(set(codes) - set(CODES))
        if unknown or not codes:
            found = f"unknown instrument code {unknown[0]!r}" if unknown else "no instrument code"
            yield Rejection(name, f"its label file holds {found}; known: {' '.join(CODES)}")
            continue
        try:
            data = archive.read(member, AUDIO_BYTES)
        except OversizedError as error:
            yield Rejection(name, str(error))
            continue
        yield SourceClip(
            path=name,
            data=data,
            recording=f"test-{re.sub(r'-[0-9]+$', '', PurePosixPath(key).name)}",
            labels={code: float(code in codes) for code in CODES},
            official_split="test",
            licence=LICENCE,
        )
    archive.close()
