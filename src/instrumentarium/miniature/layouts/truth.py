"""What the miniature contains on purpose: planted flaws, and when instruments sound.

No stage works with it; label audits and timelines are scored by it.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from instrumentarium.runtime.files import write_text_atomically


@dataclass(frozen=True)
class Flaw:
    """One planted flaw.

    `detail` says what is meant: the truly predominant instrument of a wrong label, or how a duplicate was made.
    `partner` is the clip that a duplicate or conflicting clip repeats, else empty.
    """

    clip_id: str
    flaw: str
    detail: str = ""
    partner: str = ""


def clip_id(corpus: str, member: str) -> str:
    """The clip_id of an archive member: `<corpus>/<path without suffix>`, NFC."""
    path = PurePosixPath(member)
    return unicodedata.normalize("NFC", f"{corpus}/{path.parent / path.stem}")


def write_flaws(path: Path, flaws: Iterable[Flaw]) -> None:
    """Write `clip_id,flaw,detail,partner`, sorted."""
    rows = sorted((flaw.clip_id, flaw.flaw, flaw.detail, flaw.partner) for flaw in flaws)
    _write_csv(path, ("clip_id", "flaw", "detail", "partner"), rows)


def write_timeline(truth_path: Path, activity: Mapping[str, Mapping[str, tuple[tuple[float, float], ...]]]) -> None:
    """Write `clip_id,instrument,start_s,end_s` to `<stem>-timeline.csv` beside the flaws, sorted."""
    rows = [
        (clip, instrument, f"{begin:.3f}", f"{end:.3f}")
        for clip, instruments in sorted(activity.items())
        for instrument, stretches in sorted(instruments.items())
        for begin, end in stretches
    ]
    target = truth_path.with_name(f"{truth_path.stem}-timeline.csv")
    _write_csv(target, ("clip_id", "instrument", "start_s", "end_s"), rows)


def write_lineups(truth_path: Path, lineups: Mapping[str, Iterable[str]]) -> None:
    """Write `clip_id,instrument` to `<stem>-instruments.csv` beside the flaws, sorted: what truly plays in a clip."""
    rows = [(clip, name) for clip, names in sorted(lineups.items()) for name in sorted(names)]
    _write_csv(truth_path.with_name(f"{truth_path.stem}-instruments.csv"), ("clip_id", "instrument"), rows)


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text_atomically(path, text.getvalue())
