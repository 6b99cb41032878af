"""The clips for which two systems predict most differently."""

from dataclasses import dataclass

import numpy as np

from instrumentarium.clips.labels import BoolArray
from instrumentarium.comparing.pairing import Pair


@dataclass(frozen=True)
class ChangedClip:
    """A clip and what both systems predict for it.

    Attributes:
        clip_id: the clip.
        truth: codes of the instruments known to play.
        a: codes that the first system predicts, among the observed instruments.
        b: codes that the second predicts.
        right_a: how many observed instruments the first gets right.
        right_b: how many the second does.
        observed: how many there are.
        score_change: mean distance of the two systems' scores over the observed instruments, 0 to 1.
    """

    clip_id: str
    truth: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]
    right_a: int
    right_b: int
    observed: int
    score_change: float

    @property
    def gain(self) -> int:
        """How many more instruments the second system gets right; negative where it gets fewer."""
        return self.right_b - self.right_a


def changed_clips(pair: Pair, count: int) -> list[ChangedClip]:
    """Return the `count` clips that changed most: by predictions that became right or wrong, then by the change of scores.

    Clips about which the systems predict the same and score the same are never among them.
    """
    first, second = pair.a.scored, pair.b.scored
    observed, targets = first.observed, first.targets
    right_a = ((pair.a.predictions == targets) & observed).sum(axis=1)
    right_b = ((pair.b.predictions == targets) & observed).sum(axis=1)
    distance = (np.abs(second.scores - first.scores) * observed).sum(axis=1) / np.maximum(observed.sum(axis=1), 1)
    order = np.lexsort((np.array(pair.clip_ids), -distance, -np.abs(right_b - right_a)))
    changed = ((pair.a.predictions != pair.b.predictions) & observed).any(axis=1) | (distance > 0)
    return [
        ChangedClip(
            clip_id=pair.clip_ids[row],
            truth=_codes(first.codes, targets[row] & observed[row]),
            a=_codes(first.codes, pair.a.predictions[row] & observed[row]),
            b=_codes(first.codes, pair.b.predictions[row] & observed[row]),
            right_a=int(right_a[row]),
            right_b=int(right_b[row]),
            observed=int(observed[row].sum()),
            score_change=round(float(distance[row]), 6),
        )
        for row in order[changed[order]][:count]
    ]


def _codes(codes: tuple[str, ...], row: BoolArray) -> tuple[str, ...]:
    return tuple(code for code, present in zip(codes, row, strict=True) if present)
