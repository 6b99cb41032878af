"""How far the parts of a split are from the whole, in labels, pairs of labels and size; counted in clips.

LD and LPD are of Sechidis, Tsoumakas, Vlahavas (On the stratification of multi-label data, ECML PKDD 2011) and Szymański,
Kajdanowicz (A network perspective on stratification of multi-label data, PMLR 74, 2017): the mean over labels, or over the
pairs of different labels that occur, of |odds in the part − odds in the whole|, where the odds are the clips with the label
over the clips without it (over 1, where every clip has it).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.splitting.units import BoolArray, IntArray, Units, occurring_pairs

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """How far parts that together are the whole are from it; 0 everywhere if they all look like it.

    Attributes:
        ld: (parts,), label distribution.
        lpd: (parts,), label-pair distribution.
        prevalence_gap: the largest difference, over labels, between two parts' shares of clips with the label.
        fold_size_gap: the largest |clips / clips asked for − 1| of a part; of one that should be empty, clips / all.
    """

    ld: tuple[float, ...]
    lpd: tuple[float, ...]
    prevalence_gap: float
    fold_size_gap: float


def odds(positives: FloatArray, clips: FloatArray | float) -> FloatArray:
    """Return clips with a label over clips without it, or over 1 where none is without."""
    return positives / np.maximum(clips - positives, 1.0)


def label_distribution(positives: BoolArray, part: BoolArray) -> float:
    """Return LD of one part; 0 for the whole.

    Args:
        positives: (clips, instruments), of the whole.
        part: (clips,), which of them lie in the part.
    """
    return _distance(positives[part].sum(axis=0), int(part.sum()), positives.sum(axis=0), len(part))


def label_pair_distribution(positives: BoolArray, part: BoolArray) -> float:
    """Return LPD of one part, over the pairs that occur in the whole; 0 where none does. Arguments as in LD."""
    return label_distribution(occurring_pairs(positives), part)


def balance(positives: BoolArray, part_of: IntArray, shares: Sequence[float]) -> Balance:
    """Measure parts against the whole.

    Args:
        positives: (clips, instruments).
        part_of: (clips,), the number of the part each clip lies in.
        shares: the share of clips asked for, by number of the part; together 1.
    """
    clips = Units(
        names=("",) * len(positives),
        clips=np.ones(len(positives), dtype=np.int64),
        positives=positives.astype(np.int64),
        pairs=occurring_pairs(positives).astype(np.int64),
    )
    return balance_of_counts(clips, part_of, shares)


def balance_of_counts(units: Units, part_of: IntArray, shares: Sequence[float]) -> Balance:
    """Measure parts of units against the whole, in clips. `part_of` is (units,); otherwise as `balance`."""
    count = len(shares)

    def per_part(counted: IntArray) -> IntArray:
        totals = np.zeros((count, *counted.shape[1:]), dtype=np.int64)
        np.add.at(totals, part_of, counted)
        return totals

    clips, labels, pairs = per_part(units.clips), per_part(units.positives), per_part(units.pairs)
    whole = int(clips.sum())
    prevalences = labels / np.maximum(clips, 1)[:, None]  # (parts, instruments)
    sizes = [abs(int(size) - share * whole) / ((share or 1) * whole) for size, share in zip(clips, shares, strict=True)]
    return Balance(
        ld=tuple(_distance(labels[part], int(clips[part]), labels.sum(axis=0), whole) for part in range(count)),
        lpd=tuple(_distance(pairs[part], int(clips[part]), pairs.sum(axis=0), whole) for part in range(count)),
        prevalence_gap=float((prevalences.max(axis=0) - prevalences.min(axis=0)).max()),
        fold_size_gap=max(sizes),
    )


def _distance(inside: IntArray, inside_clips: int, whole: IntArray, whole_clips: int) -> float:
    """Return the mean of |odds inside − odds of the whole| over (labels,) counts; 0 where there are none."""
    if not len(whole):
        return 0.0
    apart = odds(inside.astype(np.float64), inside_clips) - odds(whole.astype(np.float64), whole_clips)
    return float(np.abs(apart).mean())
