"""How far two labellings of the same clips agree: A, such as the publisher's, and B, such as what listeners found.

Only pairs of which both know something count. What is asked: how many clips are exactly right, how many lack the labelled
instrument, and what plays besides it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instrumentarium.relabelling.labellings import Labelling, common_clips

NONE = "(none)"
"""In the confusion: what the other side says is nothing that this side lacks."""


@dataclass(frozen=True)
class OfInstrument:
    """What B makes of the clips to which A gives an instrument.

    Attributes:
        a: clips to which A gives it.
        b: clips to which B gives it.
        judged: of A's, those in which B knows whether it plays.
        absent: of these, the share in which it does not play; None without any.
        alone: the share in which B has it and nothing else.
        with_others: the share in which B has it and others.
    """

    a: int
    b: int
    judged: int
    absent: float | None
    alone: float | None
    with_others: float | None


@dataclass(frozen=True)
class Agreement:
    """How far two labellings agree.

    Attributes:
        clips: how many both label.
        only_a: clips that only A labels.
        only_b: clips that only B labels.
        pairs: pairs of clip and instrument of which both know whether it plays.
        exact_match: share of the clips in which both agree on all such pairs.
        at_least_one: share of the clips to which A gives an instrument, in which B confirms one; None without any.
        hamming: share of the pairs in which they agree; None without any.
        instruments: for each instrument that either knows.
        confusion: of A's instrument and B's to the clips in which A says the first and B the second: both the same, or each
            one that the other denies; NONE where there is no such counterpart.
    """

    clips: int
    only_a: int
    only_b: int
    pairs: int
    exact_match: float
    at_least_one: float | None
    hamming: float | None
    instruments: Mapping[str, OfInstrument]
    confusion: Mapping[tuple[str, str], int]


def compare_labellings(a: Labelling, b: Labelling) -> Agreement:
    """Return how far two labellings agree.

    Raises:
        LabellingError: if they label no clip in common.
    """
    clips = common_clips(a, b)
    codes = sorted(
        {code for side in (a, b) for clip in clips for code in (*side.stated[clip], *side.unknown.get(clip, ()))}
    )
    pairs = agreeing = exact = confirmed = labelled = 0
    confusion: Counter[tuple[str, str]] = Counter()
    for clip in clips:
        both = [(code, a.says(clip, code), b.says(clip, code)) for code in codes]
        known = [(code, one, two) for code, one, two in both if one is not None and two is not None]
        same = sum(one == two for _, one, two in known)
        pairs, agreeing, exact = pairs + len(known), agreeing + same, exact + (same == len(known))
        if a.present(clip):
            labelled += 1
            confirmed += bool(a.present(clip) & b.present(clip))
        confusion.update((code, code) for code, one, two in known if one and two)
        denied = [code for code, one, two in known if one and not two]
        added = [code for code, one, two in known if two and not one]
        if denied or added:
            confusion.update((one, two) for one in denied or [NONE] for two in added or [NONE])
    return Agreement(
        clips=len(clips),
        only_a=len(a.stated) - len(clips),
        only_b=len(b.stated) - len(clips),
        pairs=pairs,
        exact_match=exact / len(clips),
        at_least_one=confirmed / labelled if labelled else None,
        hamming=agreeing / pairs if pairs else None,
        instruments={code: _of_instrument(a, b, clips, code) for code in codes},
        confusion=dict(sorted(confusion.items())),
    )


def _of_instrument(a: Labelling, b: Labelling, clips: Sequence[str], code: str) -> OfInstrument:
    mine = [clip for clip in clips if a.says(clip, code)]
    judged = [clip for clip in mine if b.says(clip, code) is not None]
    absent = sum(not b.says(clip, code) for clip in judged)
    alone = sum(b.present(clip) == {code} for clip in judged)

    def share(count: int) -> float | None:
        return count / len(judged) if judged else None

    return OfInstrument(
        a=len(mine),
        b=sum(bool(b.says(clip, code)) for clip in clips),
        judged=len(judged),
        absent=share(absent),
        alone=share(alone),
        with_others=share(len(judged) - absent - alone),
    )
