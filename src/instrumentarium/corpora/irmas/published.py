"""IRMAS as published: its instruments, its licence and its counts.

Sources: the dataset card of Zenodo record 1290750; for the instruments of testing clips, a public listing of all of their
label files.
"""

import re
from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip

CODES = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
"""Of the instruments, in file names, folders and label files."""
LICENCE = "CC BY-NC-SA 3.0"

_TRAINING = {
    "cel": 388, "cla": 505, "flu": 451, "gac": 637, "gel": 760, "org": 682, "pia": 721, "sax": 626, "tru": 577,
    "vio": 580, "voi": 778,
}  # fmt: skip
_TESTING = {"Part1": 807, "Part2": 1301, "Part3": 766}
_TESTING_WITH = {
    "cel": 111, "cla": 62, "flu": 163, "gac": 535, "gel": 942, "org": 361, "pia": 995, "sax": 326, "tru": 167,
    "vio": 211, "voi": 1044,
}  # fmt: skip


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return `train <instrument>` or `test <part>`, as the folder of an audio file says."""
    path = PurePosixPath(member.path)
    if path.suffix != ".wav" or path.name.startswith("._"):  # the latter are notes that macOS leaves in archives
        return None
    side = "test" if re.fullmatch(r"Part\d", path.parent.name) else "train"
    return f"{side} {path.parent.name}"


def labels_of(member: SourceClip | Rejection) -> list[str]:
    """Return `test with <instrument>` for each instrument of a testing clip."""
    if isinstance(member, Rejection) or member.official_split != "test":
        return []
    return [f"test with {code}" for code, relevance in member.labels.items() if relevance > 0.5]


PUBLISHED = Published(
    counts={f"train {code}": count for code, count in _TRAINING.items()}
    | {f"test {part}": count for part, count in _TESTING.items()},
    part_of=part_of,
    labels={f"test with {code}": count for code, count in _TESTING_WITH.items()},
    labels_of=labels_of,
)

LONGEST_CLIP_S = 20.0
"""Of the published clips."""
