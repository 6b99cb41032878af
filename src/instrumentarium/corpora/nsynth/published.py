"""NSynth as published: its licence and its counts (magenta.tensorflow.org/datasets/nsynth)."""

from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY 4.0"


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the part of an audio file by its folder, nsynth-<part>/audio."""
    path = PurePosixPath(member.path)
    audio = path.suffix == ".wav" and not path.name.startswith("._")
    return path.parts[0].removeprefix("nsynth-") if audio else None


PUBLISHED = Published(counts={"train": 289_205, "valid": 12_678, "test": 4_096}, part_of=part_of)

LONGEST_CLIP_S = 4.0
"""Of the published clips."""
