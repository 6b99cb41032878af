"""Confusion in multi-label data: instrument by instrument, and which instrument is taken for which.

A clip with several instruments has no one right answer, so the multi-label matrix pairs what was missed with what was
falsely predicted. In each clip every instrument that plays and is found counts 1 on the diagonal. Of the missed and the
falsely predicted, as many as possible are paired, all pairings being equally likely, and each pair counts in (missed,
predicted); the missed that remain count in the column "none", the falsely predicted that remain in the row "none". A clip
in which nothing plays and nothing is predicted counts in ("none", "none"). So a row sums to how often the instrument plays
and a column to how often it is predicted, and the diagonal is recall as a share of the row, precision as a share of the
column.

The row and the column "none" follow Heydarian, Doyle, Samavi: MLCM, multi-label confusion matrix. IEEE Access 2022; there
one false alarm counts in the row of every instrument that plays, so that rows do not sum to the number of positives.
"""

import numpy as np

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.metrics import count_outcomes

NONE = "none"


def confusion_matrix(targets: BoolArray, predictions: BoolArray, observed: BoolArray) -> FloatArray:
    """Return the multi-label confusion matrix, (instruments + 1, instruments + 1), rows the truth, "none" last.

    Only clips in which every instrument is observed count: elsewhere what was predicted may play, unknown to the labels.
    """
    known = observed.all(axis=1)
    targets, predictions = targets[known], predictions[known]
    found = targets & predictions
    missed, false = targets & ~predictions, predictions & ~targets
    n_missed = np.count_nonzero(missed, axis=1)
    n_false = np.count_nonzero(false, axis=1)
    n_pairs = np.minimum(n_missed, n_false)

    size = targets.shape[1]
    matrix = np.zeros((size + 1, size + 1))
    weight = n_pairs / np.maximum(n_missed * n_false, 1)
    matrix[:size, :size] = (missed * weight[:, None]).T @ false.astype(np.float64)
    matrix[range(size), range(size)] += np.count_nonzero(found, axis=0)
    matrix[:size, size] = ((n_missed - n_pairs) / np.maximum(n_missed, 1)) @ missed
    matrix[size, :size] = ((n_false - n_pairs) / np.maximum(n_false, 1)) @ false
    matrix[size, size] = np.count_nonzero(~targets.any(axis=1) & ~predictions.any(axis=1))
    return matrix


def confusion_rows(split: ScoredClips, predictions: BoolArray) -> list[Row]:
    """Return the multi-label matrix as rows `actual, predicted, count, share`; share is of the row, None if it is empty."""
    matrix = confusion_matrix(split.targets, predictions, split.observed)
    names = [*split.codes, NONE]
    totals = matrix.sum(axis=1)
    return [
        {
            "actual": actual,
            "predicted": predicted,
            "count": round(float(matrix[row, column]), 3),
            "share": _share(matrix[row, column], totals[row]),
        }
        for row, actual in enumerate(names)
        for column, predicted in enumerate(names)
    ]


def confusion_per_instrument_rows(split: ScoredClips, predictions: BoolArray) -> list[Row]:
    """Return a 2 x 2 matrix for each instrument, over its observed pairs.

    Rows are `instrument, actual, predicted, count, share`; actual is "plays" or "silent", predicted "given" or "not given";
    share is of the clips with the same truth, None if there are none.
    """
    outcomes = count_outcomes(split.targets, predictions, split.observed)
    rows: list[Row] = []
    for column, code in enumerate(split.codes):
        for actual, positive, negative in (
            ("plays", outcomes.true_positives, outcomes.false_negatives),
            ("silent", outcomes.false_positives, outcomes.true_negatives),
        ):
            total = int(positive[column] + negative[column])
            for predicted, counts in (("given", positive), ("not given", negative)):
                count = int(counts[column])
                rows.append(
                    {
                        "instrument": code,
                        "actual": actual,
                        "predicted": predicted,
                        "count": count,
                        "share": _share(count, total),
                    }
                )
    return rows


def _share(count: float, total: float) -> float | None:
    return round(float(count / total), 4) if total else None
