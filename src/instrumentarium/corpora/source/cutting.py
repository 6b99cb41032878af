"""Whole recordings, cut into clips whose labels come from what sounds when.

An instrument is present in a clip where it sounds for at least SURE_S there. It is unknown where it sounds for less, or
where it sounded shortly before (a string or a room may still ring) or begins right after (no alignment is exact). Any other
is absent: who says what sounds when says it of the whole recording.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import soundfile

from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, Stretch, stem
from instrumentarium.tables.schemas import EVERY_OTHER

LENGTH_S = 10.0
"""Of a clip, as OpenMIC has them; what remains at the end is a clip of its own from half of that, else part of the last."""
LONGEST_CLIP_S = 1.5 * LENGTH_S
SURE_S = 0.5
RINGS_S = 2.0
"""For how long after its end a note may still sound."""
INEXACT_S = 0.25
"""By how much a note may begin earlier than stated."""

_DTYPES: dict[str, Literal["int16", "int32", "float32", "float64"]] = {
    "PCM_16": "int16",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "FLOAT": "float32",
    "DOUBLE": "float64",
}


@dataclass(frozen=True)
class WholeRecording:
    """A recording before it is cut; what else is said of it is said of each of its clips.

    `sounding` holds from when to when what a label names sounds. Of the labels of `unsure` nobody knows when they do.
    """

    path: str
    data: bytes
    recording: str
    sounding: Sequence[Stretch]
    official_split: str
    licence: str
    unsure: Sequence[str] = ()
    genre: str = ""
    group: str = ""


def cut(whole: WholeRecording) -> Source:
    """Yield the clips of a recording, in order; or, if its file cannot be decoded, why there are none.

    A clip's path is the file's without its suffix, and the second in which it begins.
    """
    merged = merge(whole.sounding)
    try:
        for start_s, end_s, data in _pieces(whole.data):
            yield SourceClip(
                path=f"{stem(whole.path)}/{start_s:04.0f}s.wav",
                data=data,
                recording=whole.recording,
                labels=labels_between(merged, start_s, end_s, whole.unsure),
                official_split=whole.official_split,
                genre=whole.genre,
                group=whole.group,
                licence=whole.licence,
                sounding=between(merged, start_s, end_s),
            )
    except (soundfile.LibsndfileError, ValueError) as error:
        yield Rejection(whole.path, f"not readable as audio: {error}", whole.official_split)


def begins_recording(member: SourceClip | Rejection) -> bool:
    """Say whether a member is the first clip of a recording, or stands for a recording that could not be cut."""
    return isinstance(member, Rejection) or PurePosixPath(member.path).name == "0000s.wav"


def merge(sounding: Iterable[Stretch]) -> list[Stretch]:
    """Return the stretches of each label, those that touch or overlap made one, by label and time; empty ones left out."""
    merged: list[Stretch] = []
    for label, start_s, end_s in sorted(sounding):
        if end_s <= start_s:
            continue
        if merged and merged[-1][0] == label and start_s <= merged[-1][2]:
            merged[-1] = (label, merged[-1][1], max(merged[-1][2], end_s))
        else:
            merged.append((label, start_s, end_s))
    return merged


def between(merged: Iterable[Stretch], start_s: float, end_s: float) -> tuple[Stretch, ...]:
    """Return what sounds from `start_s` to `end_s`, in ms, from `start_s` on."""
    parts = ((label, max(first, start_s) - start_s, min(last, end_s) - start_s) for label, first, last in merged)
    rounded = ((label, round(first, 3), round(last, 3)) for label, first, last in parts)
    return tuple((label, first, last) for label, first, last in rounded if last > first)


def labels_between(
    merged: Sequence[Stretch], start_s: float, end_s: float, unsure: Iterable[str] = ()
) -> dict[str, float]:
    """Return the labels of a clip from `start_s` to `end_s`: 1 where present, 0.5 where unknown; EVERY_OTHER is absent."""
    labels = dict.fromkeys(unsure, 0.5)
    for label, _, _ in between(merged, start_s - RINGS_S, end_s + INEXACT_S):
        labels[label] = 0.5
    sounds_s: dict[str, float] = {}
    for label, first, last in between(merged, start_s, end_s):
        sounds_s[label] = sounds_s.get(label, 0.0) + last - first
    labels |= {label: 1.0 for label, total in sounds_s.items() if total >= SURE_S}
    return {**labels, EVERY_OTHER: 0.0}


def _pieces(data: bytes) -> Iterator[tuple[float, float, bytes]]:
    """Yield (from, to, WAV) of each piece of an audio file, in the file's own resolution.

    Raises:
        soundfile.LibsndfileError: if it is no audio that libsndfile reads.
        ValueError: if its samples are of a kind that would not be kept as they are.
    """
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        if file.subtype not in _DTYPES:
            raise ValueError(f"its samples are {file.subtype_info}; recordings are {', '.join(_DTYPES)}")
        length = round(LENGTH_S * file.samplerate)
        starts = [start for start in range(0, file.frames, length) if start == 0 or 2 * (file.frames - start) >= length]
        for start, end in zip(starts, [*starts[1:], file.frames], strict=True):
            samples = file.read(end - start, dtype=_DTYPES[file.subtype], always_2d=True)
            piece = io.BytesIO()
            soundfile.write(piece, samples, file.samplerate, format="WAV", subtype=file.subtype)
            yield start / file.samplerate, end / file.samplerate, piece.getvalue()
