"""What overrides make of labels, and what they change."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from instrumentarium.clips.labels import LabelArrays
from instrumentarium.tables.overrides import Override, check_overrides, overrides_file, read_overrides

UNKNOWN = 0.5
"""The relevance that says that nobody knows; a row of it, unlike none, also overrides what a missing row means."""
Change = Literal["to_present", "to_absent", "to_unknown", "unchanged"]
CHANGES: tuple[Change, ...] = ("to_present", "to_absent", "to_unknown", "unchanged")


@dataclass(frozen=True)
class Overrides:
    """The overrides of a run.

    Attributes:
        name: of their file; None if there is none.
        rows: the overrides, sorted by clip and instrument.
    """

    name: str | None = None
    rows: Sequence[Override] = field(default=())

    def applied(self, labels: pd.DataFrame, without: Iterable[str] = ()) -> pd.DataFrame:
        """Return labels in which overridden pairs have the relevance of the override, sorted by clip and instrument.

        Args:
            labels: columns clip_id, instrument, relevance; one row a known pair.
            without: clips that have left the collection; overrides of them change nothing.
        """
        gone = set(without)
        stated = zip(labels["clip_id"], labels["instrument"], labels["relevance"], strict=True)
        relevance = {(str(clip_id), str(code)): float(value) for clip_id, code, value in stated}
        for row in self.rows:
            if row.clip_id not in gone:
                relevance[row.clip_id, row.instrument] = UNKNOWN if row.relevance is None else row.relevance
        rows = [(clip_id, code, value) for (clip_id, code), value in sorted(relevance.items())]
        return pd.DataFrame(rows, columns=["clip_id", "instrument", "relevance"])


def select_overrides(name: str | None, folder: Path, clip_ids: Iterable[str], codes: Sequence[str]) -> Overrides:
    """Return the overrides that the parameter `labels.overrides` names, none where it names none.

    Args:
        name: of a CSV file in `folder`, or None.
        folder: of the user's overrides.
        clip_ids: of all clips.
        codes: of the taxonomy's instruments.

    Raises:
        OverrideError: if there is no such file, or it does not hold overrides of these clips and instruments.
    """
    if name is None:
        return Overrides()
    path = overrides_file(folder, name)
    rows = read_overrides(path)
    check_overrides(path, rows, frozenset(clip_ids), codes)
    return Overrides(name, rows)


def describe_overrides(overrides: Overrides, before: LabelArrays, codes: Sequence[str]) -> dict[str, object]:
    """Return what a file of overrides says and changes: counts in all, by instrument and by source.

    Args:
        overrides: of the run.
        before: what was known of each clip before.
        codes: of the instruments, in the order of the arrays' columns.
    """
    row_of = {clip_id: row for row, clip_id in enumerate(before.clip_ids)}
    column_of = {code: column for column, code in enumerate(codes)}
    by_instrument: dict[str, Counter[str]] = {}
    for override in overrides.rows:
        at = row_of[override.clip_id], column_of[override.instrument]
        change = _change(override, bool(before.observed[at]), bool(before.targets[at]))
        by_instrument.setdefault(override.instrument, Counter())[change] += 1
    total = sum(by_instrument.values(), Counter())
    return {
        "file": overrides.name,
        "pairs": len(overrides.rows),
        "clips": len({override.clip_id for override in overrides.rows}),
        **{change: total[change] for change in CHANGES},
        "by_instrument": {
            code: {change: by_instrument[code][change] for change in CHANGES} for code in codes if code in by_instrument
        },
        "by_source": dict(sorted(Counter(override.source for override in overrides.rows).items())),
    }


def _change(override: Override, observed: bool, target: bool) -> Change:
    if override.relevance is None or override.relevance == UNKNOWN:
        return "to_unknown" if observed else "unchanged"
    present = override.relevance > UNKNOWN
    if observed and present == target:
        return "unchanged"
    return "to_present" if present else "to_absent"


def overrides_summary(found: dict[str, object]) -> str:
    """Say in a line what `describe_overrides` found."""
    changes = ", ".join(f"{found[change]} {change.replace('_', ' ')}" for change in CHANGES)
    return f"overrides {found['file']}: {found['pairs']} labels of {found['clips']} clips ({changes})"
