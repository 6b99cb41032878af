"""The Philharmonia samples as published: their terms and instruments (philharmonia.co.uk/resources/sound-samples).

The page states no number of files, so there are no counts.
"""

from collections.abc import Mapping

LICENCE = "Philharmonia Orchestra's terms"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "banjo": ("banjo",),
    "bass-clarinet": ("bass clarinet",),
    "bassoon": ("bassoon",),
    "cello": ("cello",),
    "clarinet": ("clarinet",),
    "contrabassoon": ("contrabassoon",),
    "cor-anglais": ("english horn",),
    "double-bass": ("double bass",),
    "flute": ("flute",),
    "french-horn": ("french horn",),
    "guitar": ("acoustic guitar", "electric guitar"),
    "mandolin": ("mandolin",),
    "oboe": ("oboe",),
    "percussion": ("percussion",),
    "saxophone": ("saxophone",),
    "trombone": ("trombone",),
    "trumpet": ("trumpet",),
    "tuba": ("tuba",),
    "viola": ("viola",),
    "violin": ("violin",),
}
"""The folders of instruments, and what they are by name (tables/kinds.py); percussion may be of any kind."""

PUBLISHED = None

LONGEST_CLIP_S = None
"""Not stated."""
