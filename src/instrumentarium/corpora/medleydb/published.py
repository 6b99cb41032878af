"""MedleyDB as published: its licence and counts (medleydb.weebly.com)."""

from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.cutting import LONGEST_CLIP_S as LONGEST_CUT_S
from instrumentarium.corpora.source.cutting import begins_recording
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY-NC-SA 4.0"


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return `v1` or `v2` of a song, by the folder of its audio, where a member is its first clip."""
    folders = {part.lower() for part in PurePosixPath(member.path).parts}
    return next((part for part in ("v1", "v2") if part in folders and begins_recording(member)), None)


PUBLISHED = Published(counts={"v1": 122, "v2": 74}, part_of=part_of)

LONGEST_CLIP_S = LONGEST_CUT_S
"""Of the clips that mixes are cut into."""
