"""Medley-solos-DB as published: its licence, instruments and counts (Zenodo record 3464194)."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY 4.0"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "clarinet": ("clarinet",),
    "distorted electric guitar": ("distorted electric guitar",),
    "female singer": ("female singer",),
    "flute": ("flute",),
    "piano": ("piano",),
    "tenor saxophone": ("tenor saxophone",),
    "trumpet": ("trumpet",),
    "violin": ("violin",),
}
"""The instruments, and what they are by name (tables/kinds.py)."""
CLIP_NAME = re.compile(
    r"^Medley-solos-DB_(?P<subset>training|validation|test)-(?P<instrument>[0-7])_(?P<uuid>[0-9a-f-]{36})\.wav$"
)


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the subset that the name of an audio file says."""
    match = CLIP_NAME.match(PurePosixPath(member.path).name)
    return None if match is None else match["subset"]


PUBLISHED = Published(counts={"training": 5_841, "validation": 3_494, "test": 12_236}, part_of=part_of)

LONGEST_CLIP_S = 3.0
"""Of the published clips, which have 65,536 samples at 22,050 Hz."""
