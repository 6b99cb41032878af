"""OpenMIC-2018: its tables and clips.

20,000 clips of 10 s from the Free Music Archive, no two of one recording. Labels are *ternary*: the crowd's relevance
above 0.5 means present, below it absent, and a pair without a row was never annotated (about nine in ten).

Source: Humphrey, Durand, McFee: OpenMIC-2018: An open dataset for multiple instrument recognition, ISMIR 2018;
Zenodo record 1432913.
"""

import math
from collections import defaultdict
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.openmic.card import ARCHIVE, LABELS, METADATA, PARTITIONS, read_keys
from instrumentarium.corpora.openmic.published import CLASSES, CORRUPTED_TRACKS
from instrumentarium.corpora.source.archives import (
    AUDIO_BYTES,
    TABLE_BYTES,
    ArchiveError,
    OversizedError,
    read_table,
)
from instrumentarium.corpora.source.clip_licences import COLUMNS as LICENCE_COLUMNS
from instrumentarium.corpora.source.clip_licences import UNKNOWN, read_licences
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip
from instrumentarium.corpora.source.opening import stream_members


def _relevance(text: str) -> float:
    """Return `text` as a number from 0 to 1, else NaN."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if 0 <= value <= 1 else math.nan


def _read_labels(data: bytes) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Return the observed labels of each key, and why the labels of some keys cannot be used."""
    labels: dict[str, dict[str, float]] = defaultdict(dict)
    wrong: dict[str, str] = {}
    for row in read_table(data, LABELS, ("sample_key", "instrument", "relevance")):
        if None in row or None in row.values():
            found = [value for value in row.values() if value is not None]
            raise ArchiveError(f"{LABELS} must have as many values in each row as in its header; found {found}")
        key, instrument, relevance = (str(row[name]) for name in ("sample_key", "instrument", "relevance"))
        if instrument in CLASSES:
            labels[key][instrument] = _relevance(relevance)
            if math.isnan(labels[key][instrument]):
                wrong[key] = f"its relevance of {instrument} is {relevance!r}, not a number from 0 to 1"
        else:
            known = ", ".join(CLASSES)
            wrong[key] = f"unknown instrument {instrument!r} in the aggregated labels; known: {known}"
    return labels, wrong


def read_clips(folder: Path) -> Source:
    """Yield every clip of the archive in `folder`.

    The archive is a compressed stream, so it is read twice: once for its tables, once for its audio.

    Raises:
        ArchiveError: if the archive is missing, broken, or lacks one of its tables.
    """
    archive = folder / ARCHIVE
    wanted = {LABELS, METADATA, *PARTITIONS.values()}
    tables: dict[str, bytes] = {}
    for name, data in stream_members(folder, ARCHIVE, "openmic", wanted.__contains__, TABLE_BYTES):
        if isinstance(data, OversizedError):
            raise ArchiveError(f"{name} in {archive} is not the published one: {data}")
        tables[name] = data
        if len(tables) == len(wanted):
            break
    for name in sorted(wanted - set(tables)):
        raise ArchiveError(
            f"{archive} holds no {name}; it is not the published archive. Run `dvc repro download@openmic`"
        )
    labels, wrong = _read_labels(tables[LABELS])
    licences = read_licences(read_table(tables[METADATA], METADATA, LICENCE_COLUMNS))
    partitions = {split: read_keys(tables[name], name) for split, name in PARTITIONS.items()}
    official = {key: split for split, keys in partitions.items() for key in keys}
    in_both = set.intersection(*map(set, partitions.values()))
    found: set[str] = set()
    for path, data in stream_members(folder, ARCHIVE, "openmic", lambda name: name.endswith(".ogg"), AUDIO_BYTES):
        key = PurePosixPath(path).stem
        found.add(key)
        split = official.get(key, "")
        if key.split("_")[0] in CORRUPTED_TRACKS:
            yield Rejection(path, "its publisher names the source track as corrupted", split)
        elif key in wrong:
            yield Rejection(path, wrong[key], split)
        elif key not in labels:
            yield Rejection(path, "audio without labels: its key is not in the aggregated labels", split)
        elif not split:
            yield Rejection(path, "its key is in neither official partition")
        elif key in in_both:
            yield Rejection(path, "its key is in both official partitions", split)
        elif isinstance(data, OversizedError):
            yield Rejection(path, str(data), split)
        else:
            yield SourceClip(
                path=path,
                data=data,
                recording=key,
                labels=dict(labels[key]),
                official_split=split,
                licence=licences.get(key, UNKNOWN),
            )
    for key in sorted({*labels, *wrong} - found):
        yield Rejection(f"openmic-2018/audio/{key[:3]}/{key}.ogg", "labels without audio: the archive has no such file")
