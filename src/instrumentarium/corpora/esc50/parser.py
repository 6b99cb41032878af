"""ESC-50: its table and clips, as negatives: what is labelled is a sound without any instrument.

2,000 clips of 5 s, 44.1 kHz, mono, in 50 categories and 5 folds; clips of one `src_file` are one recording. The groups of
categories (see groups.py) can be left out. Church bells always are: they are music.

Source: Piczak: ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015; github.com/karolpiczak/ESC-50.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.esc50.card import ARCHIVE, META
from instrumentarium.corpora.esc50.groups import GROUP_OF, group_of
from instrumentarium.corpora.esc50.published import ESC10_LICENCE, LICENCE
from instrumentarium.corpora.source.archives import (
    AUDIO_BYTES,
    TABLE_BYTES,
    ArchiveError,
    OversizedError,
    read_table,
)
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip
from instrumentarium.corpora.source.opening import open_members

_LICENCES = {"True": ESC10_LICENCE, "False": LICENCE}
_COLUMNS = ("filename", "fold", "category", "esc10", "src_file")


def read_clips(folder: Path, groups: Mapping[str, bool]) -> Source:
    """Yield every clip that the table of the archive in `folder` names; what is left out is rejected.

    Args:
        folder: of the archive.
        groups: which groups of groups.py are used, by name: human, tonal, other.

    Raises:
        ArchiveError: if the archive is missing, broken, or lacks its table or one of the table's columns.
    """
    archive = open_members(folder, ARCHIVE, "esc50")
    members = archive.names()
    table = next((member for name, member in members if name == META), None)
    if table is None:
        raise ArchiveError(
            f"{folder / ARCHIVE} holds no {META}; it is not the published archive. Run `dvc repro download@esc50`"
        )
    rows = [
        {name: row[name] or "" for name in _COLUMNS}
        for row in read_table(archive.read(table, TABLE_BYTES), META, _COLUMNS)
    ]
    described = {row["filename"]: row for row in rows}
    found: set[str] = set()
    for name, member in members:
        if not name.endswith(".wav"):
            continue
        filename = PurePosixPath(name).name
        found.add(filename)
        row = described.get(filename)
        if row is None:
            yield Rejection(name, "audio without label: the table esc50.csv does not name it")
        elif (reason := _reason(row, groups)) is not None:
            yield Rejection(name, reason)
        else:
            try:
                data = archive.read(member, AUDIO_BYTES)
            except OversizedError as error:
                yield Rejection(name, str(error))
                continue
            yield SourceClip(
                path=name,
                data=data,
                recording=row["src_file"],
                labels={row["category"]: 1.0},
                official_split=f"fold{row['fold']}",
                genre=row["category"],
                group=group_of(row["category"]),
                licence=_LICENCES[row["esc10"]],
            )
    archive.close()
    for filename in sorted(set(described) - found):
        yield Rejection(f"ESC-50-master/audio/{filename}", "label without audio: the archive has no such file")


def _reason(row: dict[str, str], groups: Mapping[str, bool]) -> str | None:
    """Return why a clip that the table describes by `row` is no negative, or None if it is one."""
    category = row["category"]
    group = GROUP_OF.get(category)
    if group is None:
        return f"unknown category {category!r}: it is none of the 50"
    if group == "excluded":
        return f"category {category} is left out: it is music"
    if row["fold"] not in {"1", "2", "3", "4", "5"}:
        return f"its fold is {row['fold']!r}, not 1 to 5"
    if row["esc10"] not in _LICENCES:
        return f"its esc10 is {row['esc10']!r}, not True or False, so its licence is unknown"
    if not row["src_file"]:
        return "its src_file is missing, so nobody knows which recording it was cut from"
    if not groups[group]:
        return f"group {group} is switched off: category {category}"
    return None
