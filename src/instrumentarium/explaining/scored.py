"""The scored clips with all that explanations need of them, aligned row by row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays
from instrumentarium.explaining.errors import StaleScoresError
from instrumentarium.tables.taxonomy import Taxonomy

SEVERAL, NONE, UNKNOWN = "several", "none", "unknown"
"""In place of an instrument: more than one is known to play; all are labelled and none plays; neither."""


@dataclass(frozen=True)
class ScoredClips:
    """Validation and test clips, in the order of their ids.

    Attributes:
        clip_ids: (clips,).
        splits: (clips,), validation or test.
        recordings: (clips,), the recording each clip was cut from, duplicates merged.
        corpora: (clips,).
        genres: (clips,), "" where none is stated.
        groups: (clips,), the group of sounds a negative belongs to, "" where there is none.
        targets: (clips, instruments), Boolean.
        observed: (clips, instruments), Boolean.
        scores: (clips, instruments), probabilities.
        taxonomy: the instruments, in the order of the columns.
    """

    clip_ids: tuple[str, ...]
    splits: npt.NDArray[np.str_]
    recordings: npt.NDArray[np.str_]
    corpora: npt.NDArray[np.str_]
    genres: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    targets: BoolArray
    observed: BoolArray
    scores: FloatArray
    taxonomy: Taxonomy

    def instruments(self) -> npt.NDArray[np.str_]:
        """Return one word a clip, (clips,): the code of the only instrument known to play, or SEVERAL, NONE, UNKNOWN."""
        playing = (self.targets & self.observed).sum(axis=1)
        only = np.array(self.taxonomy.codes)[(self.targets & self.observed).argmax(axis=1)]
        silent = np.where(self.observed.all(axis=1), NONE, UNKNOWN)
        return np.where(playing == 1, only, np.where(playing > 1, SEVERAL, silent)).astype(np.str_)


def gather(
    clips: pd.DataFrame, labels: LabelArrays, split: pd.DataFrame, scores: pd.DataFrame, taxonomy: Taxonomy
) -> ScoredClips:
    """Join the tables.

    Args:
        clips: columns clip_id, corpus, genre, group; the validation and test clips.
        labels: a row for every clip.
        split: columns clip_id, split, recording_id; a row for every clip, and maybe others.
        scores: columns clip_id and one an instrument.
        taxonomy: the instruments.

    Raises:
        StaleScoresError: if the scores are not of exactly these clips.
    """
    scored, wanted = set(scores["clip_id"]), set(clips["clip_id"])
    if scored != wanted:
        first = min(scored ^ wanted)
        raise StaleScoresError(
            f"scores are of other clips than validation and test of the split: {len(scored - wanted)} too many and "
            f"{len(wanted - scored)} missing, first {first!r}; run `dvc repro score`"
        )
    columns = clips[["clip_id", "corpus", "genre", "group"]].merge(split, on="clip_id").merge(scores, on="clip_id")
    table = columns.sort_values("clip_id", ignore_index=True)
    clip_ids = tuple(str(clip_id) for clip_id in table["clip_id"])
    known = labels.take(clip_ids)
    return ScoredClips(
        clip_ids=clip_ids,
        splits=table["split"].to_numpy(dtype=np.str_),
        recordings=table["recording_id"].to_numpy(dtype=np.str_),
        corpora=table["corpus"].to_numpy(dtype=np.str_),
        genres=table["genre"].to_numpy(dtype=np.str_),
        groups=table["group"].to_numpy(dtype=np.str_),
        targets=known.targets,
        observed=known.observed,
        scores=table[list(taxonomy.codes)].to_numpy(dtype=np.float64),
        taxonomy=taxonomy,
    )
