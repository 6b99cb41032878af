"""OpenMIC-2018 as published: its classes, its counts, and the source tracks that its publisher names as corrupted.

Source: Zenodo record 1432913 and github.com/cosmir/openmic-2018.
"""

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

CLASSES = (
    "accordion", "banjo", "bass", "cello", "clarinet", "cymbals", "drums", "flute", "guitar", "mallet_percussion",
    "mandolin", "organ", "piano", "saxophone", "synthesizer", "trombone", "trumpet", "ukulele", "violin", "voice",
)  # fmt: skip
CORRUPTED_TRACKS = frozenset("071826 071827 087435 095253 095259 095263 102144 113025 113604 138485".split())
"""Ids of source tracks in the Free Music Archive, the first six digits of a clip's key."""


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the official partition of an audio file; labels without audio have none."""
    return member.official_split or None


PUBLISHED = Published(counts={"train": 14915, "test": 5085}, part_of=part_of)

LONGEST_CLIP_S = 10.0
"""Of the published clips."""
