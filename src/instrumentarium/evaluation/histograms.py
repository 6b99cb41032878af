"""How scores are spread where an instrument plays and where it does not, as rows for a plot."""

import numpy as np

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.curves import Row

BINS = 10


def score_rows(split: ScoredClips) -> list[Row]:
    """Return rows `instrument, truth, score, share, count` over observed pairs.

    `score` is the middle of a bin of width 1 / BINS, `truth` is "plays" or "silent", `share` is of the clips with the same
    truth, None if there are none.
    """
    rows: list[Row] = []
    for column, code in enumerate(split.codes):
        for truth, wanted in (("plays", split.targets), ("silent", ~split.targets)):
            scores = split.scores[(wanted & split.observed)[:, column], column]
            counts, edges = np.histogram(scores, bins=BINS, range=(0.0, 1.0))
            rows.extend(
                {
                    "instrument": code,
                    "truth": truth,
                    "score": round(float(edges[k] + edges[k + 1]) / 2, 4),
                    "share": round(float(counts[k] / len(scores)), 4) if len(scores) else None,
                    "count": int(counts[k]),
                }
                for k in range(BINS)
            )
    return rows
