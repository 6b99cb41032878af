"""MusicNet as published: its licence, instruments and counts (Zenodo record 5120004)."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.cutting import LONGEST_CLIP_S as LONGEST_CUT_S
from instrumentarium.corpora.source.cutting import begins_recording
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY 4.0"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "1": ("piano",),
    "7": ("harpsichord",),
    "41": ("violin",),
    "42": ("viola",),
    "43": ("cello",),
    "44": ("double bass",),
    "61": ("french horn",),
    "69": ("oboe",),
    "71": ("bassoon",),
    "72": ("clarinet",),
    "74": ("flute",),
}
"""The instruments by their numbers, those of General MIDI from 1, and what they are by name (tables/kinds.py)."""


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the part of a recording by its folder, <part>_data, where a member is its first clip."""
    folder = next((part for part in PurePosixPath(member.path).parts if part.endswith("_data")), None)
    return folder.removesuffix("_data") if folder and begins_recording(member) else None


PUBLISHED = Published(counts={"train": 320, "test": 10}, part_of=part_of)

LONGEST_CLIP_S = LONGEST_CUT_S
"""Of the clips that recordings are cut into."""
