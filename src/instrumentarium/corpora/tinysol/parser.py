"""TinySOL: its table and notes.

2,913 notes of 14 instruments, 44.1 kHz, each played once and alone, in the ordinary way and without mute. All notes of an
instrument were played in one studio, mostly by one musician: they are one recording. The publisher's five folds balance
pitches and dynamics and share instruments, so they serve to compare notes, not instruments; `official_split` keeps them.

Source: Cella et al.: OrchideaSOL, ICMC 2020; Zenodo record 3685367.
"""

from pathlib import Path, PurePosixPath

from instrumentarium.corpora.source.archives import AUDIO_BYTES, TABLE_BYTES, OversizedError, read_file, read_table
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, alone
from instrumentarium.corpora.source.opening import stream_members
from instrumentarium.corpora.tinysol.card import ARCHIVE, METADATA
from instrumentarium.corpora.tinysol.published import LICENCE, MEANINGS

_COLUMNS = ("Path", "Fold", "Instrument (abbr.)")
_FOLDS = {str(number): f"fold{number + 1}" for number in range(5)}


def read_clips(folder: Path) -> Source:
    """Yield every note of the archive in `folder`; what the table does not name is rejected.

    Raises:
        ArchiveError: if the archive or its table is missing or broken, or the table lacks a column.
    """
    table = read_file(folder, METADATA, "tinysol", TABLE_BYTES)
    rows = {
        PurePosixPath(row["Path"]).name: row
        for row in ({name: row[name] or "" for name in _COLUMNS} for row in read_table(table, METADATA, _COLUMNS))
    }
    found: set[str] = set()
    for path, data in stream_members(folder, ARCHIVE, "tinysol", lambda name: name.endswith(".wav"), AUDIO_BYTES):
        name = PurePosixPath(path).name
        if name.startswith("._"):
            continue  # a note that macOS leaves in archives
        found.add(name)
        row = rows.get(name)
        if row is None:
            yield Rejection(path, "audio without label: the table does not name it")
        elif row["Instrument (abbr.)"] not in MEANINGS:
            known = ", ".join(MEANINGS)
            yield Rejection(path, f"unknown instrument {row['Instrument (abbr.)']!r}; known: {known}")
        elif row["Fold"] not in _FOLDS:
            yield Rejection(path, f"its fold is {row['Fold']!r}, not 0 to 4")
        elif isinstance(data, OversizedError):
            yield Rejection(path, str(data), _FOLDS[row["Fold"]])
        else:
            yield SourceClip(
                path=path,
                data=data,
                recording=row["Instrument (abbr.)"],
                labels=alone(row["Instrument (abbr.)"]),
                official_split=_FOLDS[row["Fold"]],
                licence=LICENCE,
            )
    for name in sorted(set(rows) - found):
        yield Rejection(f"missing/{rows[name]['Path']}", "label without audio: the archive has no such file")
