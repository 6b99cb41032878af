"""Medley-solos-DB: its table and clips.

21,571 clips of 3 s, 22.05 kHz, mono, each of one instrument playing alone. Clips of one `song_id` are one recording. The
table stands beside the archive; a clip's name ends in the `uuid4` of its row.

Source: Lostanlen, Cella: Deep Convolutional Networks on the Pitch Spiral for Musical Instrument Recognition, ISMIR 2016;
Zenodo record 3464194.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.medley_solos.card import ARCHIVE, METADATA
from instrumentarium.corpora.medley_solos.published import CLIP_NAME, LICENCE, MEANINGS
from instrumentarium.corpora.source.archives import AUDIO_BYTES, TABLE_BYTES, OversizedError, read_file, read_table
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, alone
from instrumentarium.corpora.source.opening import stream_members

_COLUMNS = ("subset", "instrument", "instrument_id", "song_id", "uuid4")
_SPLITS: Mapping[str, str] = {"training": "train", "validation": "validation", "test": "test"}


def read_clips(folder: Path) -> Source:
    """Yield every clip of the archive in `folder`; what the table does not name, or names otherwise, is rejected.

    Raises:
        ArchiveError: if the archive or its table is missing or broken, or the table lacks a column.
    """
    table = read_file(folder, METADATA, "medley_solos", TABLE_BYTES)
    rows = {
        row["uuid4"]: row
        for row in ({name: row[name] or "" for name in _COLUMNS} for row in read_table(table, METADATA, _COLUMNS))
    }
    found: set[str] = set()
    for path, data in stream_members(folder, ARCHIVE, "medley_solos", lambda name: name.endswith(".wav"), AUDIO_BYTES):
        match = CLIP_NAME.match(PurePosixPath(path).name)
        if match is None:
            yield Rejection(path, "its name is not Medley-solos-DB_<subset>-<instrument>_<uuid4>.wav")
            continue
        split = _SPLITS[match["subset"]]
        found.add(match["uuid"])
        row = rows.get(match["uuid"])
        reason = "audio without label: the table does not name it" if row is None else _reason(row, match.groupdict())
        if reason is not None:
            yield Rejection(path, reason, split)
        elif isinstance(data, OversizedError):
            yield Rejection(path, str(data), split)
        else:
            assert row is not None
            yield SourceClip(
                path=path,
                data=data,
                recording=f"{row['subset']}-{row['song_id']}",
                labels=alone(row["instrument"]),
                official_split=split,
                licence=LICENCE,
            )
    for uuid in sorted(set(rows) - found):
        row = rows[uuid]
        name = f"Medley-solos-DB_{row['subset']}-{row['instrument_id']}_{uuid}.wav"
        yield Rejection(f"missing/{name}", "label without audio: the archive has no such file")


def _reason(row: Mapping[str, str], name: Mapping[str, str]) -> str | None:
    """Return why the clip of a row cannot be used, whose name says what `name` holds, or None."""
    if (row["subset"], row["instrument_id"]) != (name["subset"], name["instrument"]):
        return (
            f"its name says {name['subset']} and instrument {name['instrument']}, the table {row['subset']} and "
            f"{row['instrument_id']}"
        )
    if row["instrument"] not in MEANINGS:
        return f"unknown instrument {row['instrument']!r}; known: {', '.join(MEANINGS)}"
    return None if row["song_id"] else "its song_id is missing, so nobody knows which recording it was cut from"
