"""Scored clips made of bare arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.scored import ScoredClips
from taxonomies import IRMAS11


def scored_clips(
    targets: npt.NDArray[np.bool_],
    observed: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float64],
    recordings: npt.NDArray[np.str_],
    codes: Sequence[str] | None = None,
) -> ScoredClips:
    """Return clips of one corpus and split; the codes are the first of IRMAS's where none are named."""
    clips, blank = len(targets), np.full(len(targets), "")
    return ScoredClips(
        codes=tuple(codes or IRMAS11.codes[: targets.shape[1]]),
        clip_ids=np.array([f"irmas/{row:05d}" for row in range(clips)], dtype=np.str_),
        splits=np.full(clips, "test"),
        targets=targets,
        observed=observed,
        scores=scores,
        recordings=recordings,
        corpora=np.full(clips, "irmas"),
        genres=blank,
        groups=blank,
        official_splits=blank,
    )
