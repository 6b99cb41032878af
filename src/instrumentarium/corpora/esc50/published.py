"""ESC-50 as published: its licences and its counts (github.com/karolpiczak/ESC-50)."""

from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY-NC 3.0"
ESC10_LICENCE = "CC BY"
"""Of the clips of the subset ESC-10, which the table marks."""


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the fold of an audio file by its name, {fold}-{src_file}-{take}-{target}.wav."""
    name = PurePosixPath(member.path).name
    return f"fold{name.split('-')[0]}" if name.endswith(".wav") and not name.startswith("._") else None


PUBLISHED = Published(counts={f"fold{fold}": 400 for fold in range(1, 6)}, part_of=part_of)

LONGEST_CLIP_S = 5.0
"""Of the published clips."""
