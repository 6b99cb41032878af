"""Label tables to arrays: what is present, and what is known at all.

Every loss and metric takes the same two arrays, `targets` and `observed`, both (clips, instruments) in taxonomy order, and
this is the one place where they are made. A pair that is not observed is neither present nor absent: nothing may count it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import TypeAdapter

from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.taxonomy import Taxonomy

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

IrmasTrainAbsent = Literal["negative", "unobserved"]
IRMAS_TRAIN_ABSENT: TypeAdapter[IrmasTrainAbsent] = TypeAdapter(IrmasTrainAbsent)


class LabelError(UserError, ValueError):
    """The label table does not fit the clips or the taxonomy."""


@dataclass(frozen=True)
class LabelArrays:
    """What is known of each clip.

    Attributes:
        clip_ids: the clips, one a row of the arrays.
        targets: (clips, instruments), true where an instrument is known to play.
        observed: (clips, instruments), true where it is known whether it plays. `targets` is false wherever this is.
    """

    clip_ids: tuple[str, ...]
    targets: BoolArray
    observed: BoolArray

    def take(self, clip_ids: Sequence[str]) -> "LabelArrays":
        """Return the rows of `clip_ids`, in that order.

        Raises:
            LabelError: if a clip is not among these.
        """
        rows = pd.Index(self.clip_ids).get_indexer(pd.Index(clip_ids))
        unknown = [clip_id for clip_id, row in zip(clip_ids, rows, strict=True) if row < 0]
        if unknown:
            raise LabelError(f"{len(unknown)} clips have no row in the label arrays, first {unknown[0]!r}")
        return LabelArrays(tuple(clip_ids), self.targets[rows], self.observed[rows])


def label_arrays(
    clips: pd.DataFrame, labels: pd.DataFrame, taxonomy: Taxonomy, *, irmas_train_absent: IrmasTrainAbsent
) -> LabelArrays:
    """Turn a label table into arrays, one row a clip, in the order of `clips`.

    A relevance above 0.5 is present, below 0.5 absent, of exactly 0.5 unobserved; a pair without a row is unobserved. The
    exception are IRMAS training clips, which name one predominant instrument and nothing of the others.

    Args:
        clips: columns clip_id, corpus, official_split; one row a clip.
        labels: columns clip_id, instrument, relevance in [0, 1]; one row a known pair.
        taxonomy: the instruments, in the order of the arrays' columns.
        irmas_train_absent: what a missing row means for clips of corpus "irmas" with official split "train": the
            instrument does not play ("negative"), where IRMAS has a label for it, or nothing is known ("unobserved").

    Raises:
        LabelError: on a repeated clip, labels for an unknown clip, an unknown instrument, a relevance outside [0, 1],
            or a pair with two rows.
    """
    if irmas_train_absent not in ("negative", "unobserved"):
        raise LabelError(f"irmas_train_absent is {irmas_train_absent!r}; it must be 'negative' or 'unobserved'")
    clip_ids = pd.Index(clips["clip_id"])
    if not clip_ids.is_unique:
        raise LabelError(f"clip {clip_ids[clip_ids.duplicated()][0]!r} occurs more than once in the table of clips")
    rows = clip_ids.get_indexer(pd.Index(labels["clip_id"]))
    columns = pd.Index(taxonomy.codes).get_indexer(pd.Index(labels["instrument"]))
    relevance = labels["relevance"].to_numpy(dtype=np.float64)
    _check_labels(labels, rows, columns, relevance, taxonomy)

    targets = np.zeros((len(clip_ids), len(taxonomy)), dtype=np.bool_)
    observed = np.zeros_like(targets)
    if irmas_train_absent == "negative":
        training = (clips["corpus"] == "irmas") & (clips["official_split"] == "train")
        covered = np.isin(taxonomy.codes, taxonomy.covered_by("irmas"))
        observed[np.ix_(training.to_numpy(dtype=np.bool_), covered)] = True
    targets[rows, columns] = relevance > 0.5
    observed[rows, columns] = relevance != 0.5
    return LabelArrays(tuple(str(clip_id) for clip_id in clip_ids), targets, observed)


def _check_labels(
    labels: pd.DataFrame,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    relevance: FloatArray,
    taxonomy: Taxonomy,
) -> None:
    if (rows < 0).any():
        unknown = labels["clip_id"][rows < 0].unique()
        raise LabelError(f"labels for {len(unknown)} clips that are not in the table of clips, first {unknown[0]!r}")
    if (columns < 0).any():
        codes = sorted({repr(str(code)) for code in labels["instrument"][columns < 0]})
        raise LabelError(f"unknown instrument {', '.join(codes)}; allowed are {', '.join(taxonomy.codes)}")
    outside = ~((relevance >= 0) & (relevance <= 1))  # NaN is neither
    if outside.any():
        at = labels.iloc[int(outside.argmax())]
        raise LabelError(
            f"relevance {at['relevance']} of {at['clip_id']!r}, {at['instrument']!r} is not a number from 0 to 1"
        )
    repeated = labels.duplicated(["clip_id", "instrument"]).to_numpy()
    if repeated.any():
        at = labels.iloc[int(repeated.argmax())]
        raise LabelError(
            f"{int(repeated.sum())} pairs have more than one row, first {at['clip_id']!r}, {at['instrument']!r}; "
            "keep one relevance a pair"
        )
