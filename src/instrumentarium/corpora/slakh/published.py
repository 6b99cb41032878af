"""Slakh2100 as published: its licence and counts (Zenodo records 4599666 and 4603870)."""

from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.cutting import LONGEST_CLIP_S as LONGEST_CUT_S
from instrumentarium.corpora.source.cutting import begins_recording
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY 4.0"
SPLITS = ("train", "validation", "test", "omitted")


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return `redux <folder>` or `baby` of a track, where a member is its first clip."""
    parts = PurePosixPath(member.path).parts
    if not begins_recording(member) or len(parts) < 2:
        return None
    return "baby" if parts[0].startswith("babyslakh") else f"redux {parts[1]}"


PUBLISHED = Published(
    counts={"redux train": 1_289, "redux validation": 270, "redux test": 151, "redux omitted": 390, "baby": 20},
    part_of=part_of,
)

LONGEST_CLIP_S = LONGEST_CUT_S
"""Of the clips that mixes are cut into."""
