"""What every corpus module hands over: its clips one by one, or why one cannot be used."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from instrumentarium.tables.schemas import EVERY_OTHER

Drums = Literal["yes", "no", "unknown"]
Stretch = tuple[str, float, float]
"""A label, and from when to when in s what it names sounds."""


@dataclass(frozen=True)
class SourceClip:
    """One clip as its publisher describes it; `labels` holds the corpus's own, observed ones only, relevance in [0, 1]."""

    path: str  # inside the archive, NFC
    data: bytes  # of the audio file
    recording: str  # the corpus's own name for the recording
    labels: Mapping[str, float]
    official_split: str
    genre: str = ""
    drums: Drums = "unknown"
    group: str = ""  # within its corpus, to be counted by
    licence: str = ""  # under which this clip may be used; "unknown" where the publisher does not say
    sounding: Sequence[Stretch] = ()  # what sounds when, from the clip's beginning, where the publisher says so


@dataclass(frozen=True)
class Rejection:
    """A member that cannot become a clip, and why."""

    path: str
    reason: str
    official_split: str = ""  # of a clip that has one all the same


def alone(label: str) -> dict[str, float]:
    """Return the labels of a clip in which one instrument plays and nothing else does."""
    return {label: 1.0, EVERY_OTHER: 0.0}


Source = Iterator[SourceClip | Rejection]


def nfc(name: str) -> str:
    """Return `name` in Unicode NFC: file names from macOS come decomposed.

    Bytes that are no UTF-8, which Python keeps as halves of surrogate pairs, become marks: no table could hold them.
    """
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def stem(path: str) -> str:
    """Return a member's path without its suffix."""
    return str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).suffix else path
