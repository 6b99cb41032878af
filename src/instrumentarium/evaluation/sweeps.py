"""What every threshold would have reached on the clips that thresholds are chosen on, as rows for a plot."""

import numpy as np

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import rounded
from instrumentarium.evaluation.thresholds import Thresholds

STEPS = 50
MACRO = "macro"


def threshold_rows(choosing: ScoredClips, thresholds: Thresholds) -> list[Row]:
    """Return rows `instrument, threshold, f1, precision, recall, chosen`, thresholds ascending in each instrument.

    They stand at every 1 / `STEPS` and at the instrument's chosen one, whose row says so. "macro" comes last: the mean over
    instruments at one threshold for all, its chosen one the global. An instrument without positives has one empty row.

    Args:
        choosing: the clips that the thresholds were chosen on.
        thresholds: what was chosen.
    """
    chosen = dict(zip(choosing.codes, thresholds.vector(), strict=True))
    grid = np.linspace(0, 1, STEPS + 1)
    playing = np.count_nonzero(choosing.targets & choosing.observed, axis=0)
    rows: list[Row] = []
    for column, code in enumerate(choosing.codes):
        if playing[column]:
            rows += [_row(choosing, code, at, at == chosen[code], column) for at in np.union1d(grid, [chosen[code]])]
        else:
            rows.append(
                {"instrument": code, "threshold": None, "f1": None, "precision": None, "recall": None, "chosen": False}
            )
    one = thresholds.global_
    return rows + [_row(choosing, MACRO, at, at == one, slice(None)) for at in np.union1d(grid, [one])]


def _row(choosing: ScoredClips, name: str, at: float, chosen: bool, column: int | slice) -> Row:
    columns = column if isinstance(column, slice) else slice(column, column + 1)
    targets, observed = choosing.targets[:, columns], choosing.observed[:, columns]
    truth = targets, choosing.scores[:, columns] >= at, observed
    return {
        "instrument": name,
        "threshold": round(float(at), 6),
        "f1": rounded(m.f1_macro(*truth)),
        "precision": rounded(mean_of_defined(m.precision_per_instrument(*truth))),
        "recall": rounded(mean_of_defined(m.recall_per_instrument(*truth))),
        "chosen": bool(chosen),
    }
