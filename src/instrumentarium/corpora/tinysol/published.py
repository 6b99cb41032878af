"""TinySOL as published: its licence, instruments and counts (Zenodo record 3685367)."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

LICENCE = "CC BY 4.0"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "ASax": ("alto saxophone",),
    "Acc": ("accordion",),
    "BTb": ("tuba",),
    "Bn": ("bassoon",),
    "Cb": ("double bass",),
    "ClBb": ("clarinet",),
    "Fl": ("flute",),
    "Hn": ("french horn",),
    "Ob": ("oboe",),
    "Tbn": ("trombone",),
    "TpC": ("trumpet",),
    "Va": ("viola",),
    "Vc": ("cello",),
    "Vn": ("violin",),
}
"""The instruments by their abbreviations, and what they are by name (tables/kinds.py)."""


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return the one part that there is, for audio files."""
    path = PurePosixPath(member.path)
    return "notes" if path.suffix == ".wav" and path.parts[0] != "missing" and path.name[:2] != "._" else None


PUBLISHED = Published(counts={"notes": 2_913}, part_of=part_of)

LONGEST_CLIP_S = None
"""Not stated."""
