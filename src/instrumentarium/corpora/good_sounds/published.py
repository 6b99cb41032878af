"""good-sounds as published: its licence and instruments (Zenodo record 820937).

Its card states no number of files that the table of takes could be held to, so there are no counts.
"""

from collections.abc import Mapping

LICENCE = "CC BY-SA 4.0"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "bass": ("double bass",),
    "cello": ("cello",),
    "clarinet": ("clarinet",),
    "flute": ("flute",),
    "oboe": ("oboe",),
    "piccolo": ("piccolo",),
    "sax_alto": ("alto saxophone",),
    "sax_baritone": ("baritone saxophone",),
    "sax_soprano": ("soprano saxophone",),
    "sax_tenor": ("tenor saxophone",),
    "trumpet": ("trumpet",),
    "violin": ("violin",),
}
"""The instruments, and what they are by name (tables/kinds.py)."""

PUBLISHED = None

LONGEST_CLIP_S = None
"""Not stated."""
