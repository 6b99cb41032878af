"""How many of the wrong labels that a rendered collection contains on purpose an audit finds.

This is the one reader of data/truth, and it reads only what the audit is scored by, after the audit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from instrumentarium.auditing.issues import Issues
from instrumentarium.clips.labels import BoolArray, LabelArrays

WRONG_LABEL = "wrong_label"


@dataclass(frozen=True)
class AuditMetrics:
    """An audit scored by known errors.

    Attributes:
        planted: pairs of clip and instrument whose label is wrong.
        precision_at_planted: the share of wrong labels among the first so many pairs of the ranking.
        chance: that of a random ranking: the share of wrong labels among all.
        flagged: pairs that the audit flags.
        flagged_precision: the share of wrong labels among those; None if there are none.
        flagged_recall: the share of wrong labels that are flagged.
    """

    planted: int
    precision_at_planted: float
    chance: float
    flagged: int
    flagged_precision: float | None
    flagged_recall: float


def planted_errors(truth: Path, known: LabelArrays, codes: Sequence[str]) -> BoolArray | None:
    """Return which labels are wrong, (clips, instruments), or None where nobody knows.

    Of a clip with a planted wrong label, that label is wrong, and so is that the truly leading instrument is absent; what
    an override has put right is not.

    Args:
        truth: folder of the collection, with a folder a corpus.
        known: the labels at hand.
        codes: of the instruments, in the order of the arrays' columns.

    Returns:
        None for a collection without planted wrong labels, or a taxonomy without the instruments they are stated in.
    """
    tables = [
        pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        for path in sorted(truth.glob("*/truth.csv"))
    ]
    flaws = pd.concat([pd.DataFrame(columns=["clip_id", "flaw", "detail"]), *tables])
    wrong = flaws[flaws["flaw"] == WRONG_LABEL]
    if wrong.empty or not set(wrong["detail"]) <= set(codes):
        return None
    row_of = {clip_id: row for row, clip_id in enumerate(known.clip_ids)}
    errors = np.zeros(known.targets.shape, dtype=np.bool_)
    for clip_id, leader in zip(wrong["clip_id"], wrong["detail"], strict=True):
        if clip_id in row_of:
            row, column = row_of[clip_id], list(codes).index(leader)
            errors[row] = known.observed[row] & known.targets[row]
            errors[row, column] = known.observed[row, column] & ~known.targets[row, column]
    return errors


def score_audit(issues: Issues, errors: BoolArray | None) -> AuditMetrics | None:
    """Return how well an audit finds `errors`, (clips, instruments); None if there are none to be found."""
    if errors is None or not errors.any():
        return None
    rows, columns = issues.ranked()
    found = errors[rows, columns]
    planted, flagged = int(found.sum()), int(issues.flagged.sum())
    caught = int((issues.flagged & errors).sum())
    return AuditMetrics(
        planted=planted,
        precision_at_planted=round(float(found[:planted].mean()), 6),
        chance=round(float(found.mean()), 6),
        flagged=flagged,
        flagged_precision=round(caught / flagged, 6) if flagged else None,
        flagged_recall=round(caught / planted, 6),
    )
