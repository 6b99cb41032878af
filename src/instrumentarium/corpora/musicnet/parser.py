"""MusicNet: its recordings and notes.

330 recordings of chamber and solo music, 34 h, 44.1 kHz, mono, with 1.1 million notes: from when to when each sounds, in
samples, and on which of eleven instruments. The notes were aligned to the audio by machine, about 4 % of them wrong by the
authors' estimate. Each recording is cut into clips, whose labels are the instruments that play there.

Movements of one composition from one source are one recording, as musicnet_metadata.csv names them: the same musicians in
the same room. The publisher's ten test pieces are recordings of their own.

Source: Thickstun, Harchaoui, Kakade: Learning Features of Music from Scratch, ICLR 2017; Zenodo record 5120004.
"""

import math
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.musicnet.card import ARCHIVE, METADATA
from instrumentarium.corpora.musicnet.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.archives import (
    RECORDING_BYTES,
    TABLE_BYTES,
    ArchiveError,
    OversizedError,
    read_file,
    read_table,
)
from instrumentarium.corpora.source.cutting import WholeRecording, cut
from instrumentarium.corpora.source.members import Rejection, Source, Stretch
from instrumentarium.corpora.source.opening import stream_members

RATE_HZ = 44_100
"""In which the tables count samples."""
_NOTES = ("start_time", "end_time", "instrument")
_PIECES = ("id", "composer", "composition", "ensemble", "source")


def read_clips(folder: Path) -> Source:
    """Yield the clips of every recording of the archive in `folder`.

    The archive is a compressed stream, so it is read twice: once for its notes, once for its audio.

    Raises:
        ArchiveError: if the archive or a table is missing or broken, or a table lacks a column.
    """
    pieces = {
        row["id"]: row
        for row in (
            {name: row[name] or "" for name in _PIECES}
            for row in read_table(read_file(folder, METADATA, "musicnet", TABLE_BYTES), METADATA, _PIECES)
        )
    }
    notes: dict[str, list[Stretch] | str] = {}
    for path, data in stream_members(folder, ARCHIVE, "musicnet", _is_table, TABLE_BYTES):
        notes[PurePosixPath(path).stem] = str(data) if isinstance(data, OversizedError) else _read_notes(data, path)
    found: set[str] = set()
    for path, data in stream_members(folder, ARCHIVE, "musicnet", _is_audio, RECORDING_BYTES):
        piece, part = PurePosixPath(path).stem, PurePosixPath(path).parent.name.removesuffix("_data")
        found.add(piece)
        sounding = notes.get(piece)
        if part not in ("train", "test"):
            yield Rejection(path, "it lies neither in train_data nor in test_data")
        elif sounding is None:
            yield Rejection(path, "audio without notes: there is no table of this name", part)
        elif isinstance(sounding, str):
            yield Rejection(path, f"its notes cannot be used: {sounding}", part)
        elif piece not in pieces:
            yield Rejection(path, f"{METADATA} does not name it, so nobody knows what it is a recording of", part)
        elif isinstance(data, OversizedError):
            yield Rejection(path, str(data), part)
        else:
            row = pieces[piece]
            performed = " ".join(row[name] for name in ("composer", "composition", "ensemble", "source"))
            yield from cut(
                WholeRecording(
                    path=path,
                    data=data,
                    recording=performed if part == "train" else piece,
                    sounding=sounding,
                    official_split=part,
                    licence=LICENCE,
                    group=row["ensemble"],
                )
            )
    for piece in sorted(set(notes) - found):
        yield Rejection(f"missing/{piece}.wav", "notes without audio: the archive has no such file")


def _is_table(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".csv" and path.parent.name.endswith("_labels") and not path.name.startswith("._")


def _is_audio(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".wav" and not path.name.startswith("._")


def _read_notes(data: bytes, name: str) -> list[Stretch] | str:
    """Return what a table of notes says sounds when, or why it cannot be used."""
    stretches: list[Stretch] = []
    try:
        for row in read_table(data, name, _NOTES):
            start, end, instrument = (row[column] or "" for column in _NOTES)
            if instrument not in MEANINGS:
                return f"unknown instrument {instrument!r}; known: {', '.join(MEANINGS)}"
            start_s, end_s = float(start) / RATE_HZ, float(end) / RATE_HZ
            if not (0 <= start_s <= end_s and math.isfinite(end_s)):
                return f"a note sounds from sample {start} to {end}"
            stretches.append((instrument, start_s, end_s))
    except (ArchiveError, ValueError) as error:
        return str(error)
    return stretches
