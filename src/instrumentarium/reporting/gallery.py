"""The clips that the model got most wrong: which they are, and all that helps to see why.

For each instrument, the false positives whose scores lie farthest above the threshold, and the misses whose scores lie
farthest below it. Of one recording only the worst clip is shown: its other clips would show the same again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.clips.scored import ScoredClips, ScoredClipsError, join_scores
from instrumentarium.reporting.rows import ReportInputError
from instrumentarium.tables.taxonomy import Taxonomy

Kind = Literal["false positive", "miss"]
KINDS: tuple[Kind, ...] = ("false positive", "miss")


@dataclass(frozen=True)
class Failure:
    """One clip with a wrong prediction for one instrument, and where its audio lies.

    Attributes:
        instrument: code of what was falsely predicted, or missed.
        kind: which of the two.
        rank: 1 is the worst of its kind.
        margin: how far the score lies beyond the threshold, above 0 (of a false positive, 0 or more).
        clip_id, corpus, recording_id: as in the tables.
        path: inside the publisher's archive.
        first_sample, n_samples: in the corpus's sample store.
        true, unobserved: codes of what is known to play, and of what nobody labelled.
        scores, thresholds: code to probability, and to the threshold from which it counts as predicted.
    """

    instrument: str
    kind: Kind
    rank: int
    margin: float
    clip_id: str
    corpus: str
    recording_id: str
    path: str
    first_sample: int
    n_samples: int
    true: tuple[str, ...]
    unobserved: tuple[str, ...]
    scores: dict[str, float]
    thresholds: dict[str, float]

    @property
    def picture(self) -> str:
        """The name of the picture's file, without suffix."""
        return f"{self.instrument}-{self.kind.replace(' ', '_')}-{self.rank}"


def worst_clips(
    scores: pd.DataFrame,
    clips: pd.DataFrame,
    labels: LabelArrays,
    split: pd.DataFrame,
    thresholds: Mapping[str, float],
    taxonomy: Taxonomy,
    *,
    count: int,
) -> list[Failure]:
    """Return the worst clips of test: by instrument, false positives before misses, the worst first.

    Args:
        scores: columns clip_id and one an instrument; a row for every clip of validation and test.
        clips: columns of the clips table; a row for every scored clip.
        labels: a row for every scored clip.
        split: columns clip_id, split, recording_id.
        thresholds: code to the threshold that was applied to test.
        taxonomy: the instruments.
        count: of each kind for each instrument, at most; fewer where fewer were wrong.

    Raises:
        ReportInputError: if the tables do not belong together.
    """
    try:
        test = join_scores(scores, clips, labels, split, taxonomy.codes).of_split("test")
    except ScoredClipsError as error:
        raise ReportInputError(str(error)) from error
    described = clips.set_index("clip_id").loc[test.clip_ids.tolist()]
    limits = [thresholds[code] for code in taxonomy.codes]
    failures = []
    for column, code in enumerate(taxonomy.codes):
        for kind in KINDS:
            margins = _margins(test.scores[:, column], limits[column], test, column, kind)
            for rank, row in enumerate(_worst(margins, test.recordings, count), start=1):
                clip = described.iloc[row]
                failures.append(
                    Failure(
                        instrument=code,
                        kind=kind,
                        rank=rank,
                        margin=round(float(margins[row]), 6),
                        clip_id=str(test.clip_ids[row]),
                        corpus=str(test.corpora[row]),
                        recording_id=str(test.recordings[row]),
                        path=str(clip["path"]),
                        first_sample=int(clip["first_sample"]),
                        n_samples=int(clip["n_samples"]),
                        true=_codes(test.targets[row] & test.observed[row], taxonomy.codes),
                        unobserved=_codes(~test.observed[row], taxonomy.codes),
                        scores=dict(zip(taxonomy.codes, test.scores[row].tolist(), strict=True)),
                        thresholds=dict(zip(taxonomy.codes, limits, strict=True)),
                    )
                )
    return failures


def _margins(scores: FloatArray, threshold: float, known: ScoredClips, column: int, kind: Kind) -> FloatArray:
    """Return how far each clip's score lies on the wrong side, (clips,); NaN where it is right, or the truth unknown."""
    plays, observed = known.targets[:, column], known.observed[:, column]
    predicted = scores >= threshold
    wrong = observed & (predicted & ~plays if kind == "false positive" else ~predicted & plays)
    margins: FloatArray = np.where(wrong, np.abs(scores - threshold), np.nan)
    return margins


def _worst(margins: FloatArray, recordings: np.ndarray[tuple[int], np.dtype[np.str_]], count: int) -> list[int]:
    """Return the rows of the `count` largest margins, one a recording; of equal ones the first."""
    chosen: list[int] = []
    for row in np.argsort(-margins, kind="stable"):
        if len(chosen) == count or np.isnan(margins[row]):
            break
        if recordings[row] not in recordings[chosen]:
            chosen.append(int(row))
    return chosen


def _codes(row: BoolArray, codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(code for code, is_set in zip(codes, row, strict=True) if is_set)
