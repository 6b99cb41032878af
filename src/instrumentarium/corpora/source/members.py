"""What every corpus module hands over: its clips one by one, or why one cannot be used."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Drums = Literal["yes", "no", "unknown"]


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


@dataclass(frozen=True)
class Rejection:
    """A member that cannot become a clip, and why."""

    path: str
    reason: str
    official_split: str = ""  # of a clip that has one all the same


Source = Iterator[SourceClip | Rejection]


def nfc(name: str) -> str:
    """Return `name` in Unicode NFC: file names from macOS come decomposed.

    Bytes that are no UTF-8, which Python keeps as halves of surrogate pairs, become marks: no table could hold them.
    """
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def stem(path: str) -> str:
    """Return a member's path without its suffix."""
    return str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).suffix else path
