"""IRMAS as published: its licence and its counts (dataset card of Zenodo record 1290750)."""

import re
from pathlib import PurePosixPath

from instrumentarium.corpora.counts import Published
from instrumentarium.corpora.source import Rejection, SourceClip

LICENCE = "CC BY-NC-SA 3.0"

_TRAINING = {
    "cel": 388, "cla": 505, "flu": 451, "gac": 637, "gel": 760, "org": 682, "pia": 721, "sax": 626, "tru": 577,
    "vio": 580, "voi": 778,
}  # fmt: skip
_TESTING = {"Part1": 807, "Part2": 1301, "Part3": 766}


def part_of(member: SourceClip | Rejection) -> str | None:
    """Return `train <instrument>` or `test <part>`, as the folder of an audio file says."""
    path = PurePosixPath(member.path)
    if path.suffix != ".wav" or path.name.startswith("._"):  # the latter are notes that macOS leaves in archives
        return None
    side = "test" if re.fullmatch(r"Part\d", path.parent.name) else "train"
    return f"{side} {path.parent.name}"


PUBLISHED = Published(
    counts={f"train {code}": count for code, count in _TRAINING.items()}
    | {f"test {part}": count for part, count in _TESTING.items()},
    part_of=part_of,
)
