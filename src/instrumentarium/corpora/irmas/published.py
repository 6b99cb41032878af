"""IRMAS as published: its instruments, its licence and its counts.

Sources: the dataset card of Zenodo record 1290750; for the instruments of testing clips, a public listing of all of their
label files.
"""

import re
from collections import Counter
from pathlib import PurePosixPath

from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.corpora.source.opening import Members

CODES = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
"""Of the instruments, in file names, folders and label files."""
LICENCE = "CC BY-NC-SA 3.0"
# The three digits before a name stand where a drum tag stands; they number an annotation, not a song.
TRAIN_NAME = re.compile(
    r"^(?:(?P<annotation>\d{3})__)?\[(?P<instrument>[a-z]{3})\](?:\[(?P<drums>dru|nod|---)\])?"
    r"\[(?P<genre>[a-z]{3}_[a-z]{3}|cla)\](?P<recording>\d{4})__(?P<part>[1-3])\.wav$",
    re.ASCII,  # or any script's digits would do
)

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


def unpacked_problem(members: Members) -> str | None:
    """Say what of an unpacked archive, training or testing, is not as published, or None.

    Training clips are named by the grammar and lie in their instrument's folder, testing clips have a text each, and every
    instrument and part has its published count.
    """
    names = [PurePosixPath(name) for name, _ in members.names() if not PurePosixPath(name).name.startswith("._")]
    audio = [name for name in names if name.suffix == ".wav"]
    found = Counter(part for name in audio if (part := part_of(Rejection(str(name), ""))) is not None)
    testing = {part: count for part, count in PUBLISHED.counts.items() if part.startswith("test ")}
    top = names[0].parts[0] if names else ""
    published = {part: testing[part] for part in testing if top.endswith(part.removeprefix("test "))} or {
        part: count for part, count in PUBLISHED.counts.items() if part not in testing
    }
    differing = [part for part in sorted({*published, *found}) if published.get(part, 0) != found[part]]
    if differing:
        return "; ".join(f"{part}: {published.get(part, 0)} published, {found[part]} found" for part in differing[:5])
    if published.keys() <= testing.keys():
        wrong = sorted({name.with_suffix(".txt") for name in audio} - set(names))
        return f"{len(wrong)} label files are missing, first {wrong[0]}" if wrong else None
    matched = {name: TRAIN_NAME.match(name.name) for name in audio}
    wrong = [name for name, match in matched.items() if match is None or match["instrument"] != name.parent.name]
    return f"{len(wrong)} clips are not named as published, first {wrong[0]}" if wrong else None


LONGEST_CLIP_S = 20.0
"""Of the published clips."""
