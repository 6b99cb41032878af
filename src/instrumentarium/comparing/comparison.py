"""The whole comparison of two sides: every metric with its difference, how sure that is, and where it comes from."""

from dataclasses import dataclass

import numpy as np

from instrumentarium.comparing.clips import ChangedClip, changed_clips
from instrumentarium.comparing.pairing import pair_clips, recordings_of
from instrumentarium.comparing.sides import Side
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.headline import rounded
from instrumentarium.evaluation.significance import Differences, holm, paired_differences

LEVEL = 0.05
"""A difference is called real where its p is below this."""


@dataclass(frozen=True)
class Difference:
    """One metric of both sides; None where it is undefined.

    Attributes:
        a: the first side's.
        b: the second's.
        difference: b - a.
        low: lower end of the difference's 95 % interval.
        high: its upper end.
        p: two-sided, of exchanging recordings.
        p_holm: the same, adjusted for the instruments of one metric; None for headline metrics, which stand alone.
    """

    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None

    def is_real(self) -> bool:
        """Return whether the difference is more than chance would give, at LEVEL."""
        p = self.p if self.p_holm is None else self.p_holm
        return p is not None and p < LEVEL

    def content(self) -> dict[str, float | None]:
        """Return the values that JSON has for a headline metric."""
        return {name: getattr(self, name) for name in ("a", "b", "difference", "low", "high", "p")}


@dataclass(frozen=True)
class Settings:
    """What a comparison rests on."""

    a: Side
    b: Side
    split: str
    clips: int
    recordings: int
    clips_only_in_a: int
    clips_only_in_b: int
    resamples: int
    permutations: int
    seed: int

    def content(self) -> dict[str, object]:
        """Return the settings as JSON holds them."""
        sides = {
            key: {"name": side.name, "source": side.source, "rule": side.rule, "thresholds": side.thresholds}
            for key, side in (("a", self.a), ("b", self.b))
        }
        names = ("split", "clips", "recordings", "clips_only_in_a", "clips_only_in_b")
        draws = ("resamples", "permutations", "seed")
        return {**sides, **{name: getattr(self, name) for name in (*names, *draws)}, "level": LEVEL}


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        headline: name to difference.
        names: code to the instrument's name.
        per_instrument: code to metric to difference.
        clips: those that changed most.
        settings: what it rests on.
    """

    headline: dict[str, Difference]
    names: dict[str, str]
    per_instrument: dict[str, dict[str, Difference]]
    clips: list[ChangedClip]
    settings: Settings

    def content(self) -> dict[str, object]:
        """Return the comparison as JSON holds it: headline metrics at the top level, and all else beside them."""
        return {
            **{name: difference.content() for name, difference in self.headline.items()},
            "per_instrument": {
                code: {name: {**each.content(), "p_holm": each.p_holm} for name, each in metrics.items()}
                for code, metrics in self.per_instrument.items()
            },
            "clips": [
                {
                    "clip_id": clip.clip_id,
                    "truth": list(clip.truth),
                    "a": list(clip.a),
                    "b": list(clip.b),
                    "right_a": clip.right_a,
                    "right_b": clip.right_b,
                    "observed": clip.observed,
                    "score_change": clip.score_change,
                }
                for clip in self.clips
            ],
            "settings": self.settings.content(),
        }


def compare_sides(
    a: Side, b: Side, *, split: str, resamples: int, permutations: int, seed: int, clips: int
) -> Comparison:
    """Compare two sides on the clips of `split` that both have.

    Args:
        a: the first side.
        b: the second.
        split: which split they were read for.
        resamples: of the bootstrap over recordings.
        permutations: exchanges of recordings.
        seed: of both.
        clips: how many changed clips to list.

    Raises:
        ComparisonError: if the two do not have the same clips with the same truth; see `pair_clips`.
    """
    pair = pair_clips(a, b, split)
    found = paired_differences(pair.a, pair.b, resamples=resamples, permutations=permutations, seed=seed)
    adjusted = {metric: holm(found.p[metric]) for metric in catalogue.MACRO}
    return Comparison(
        names=a.names,
        headline={name: _difference(found, name) for name in found.a if name not in catalogue.MACRO},
        per_instrument={
            code: {
                metric: _difference(found, metric, column, float(adjusted[metric][column]))
                for metric in catalogue.MACRO
            }
            for column, code in enumerate(pair.a.scored.codes)
        },
        clips=changed_clips(pair, clips),
        settings=Settings(
            a=a,
            b=b,
            split=split,
            clips=len(pair.clip_ids),
            recordings=recordings_of(pair),
            clips_only_in_a=pair.only_a,
            clips_only_in_b=pair.only_b,
            resamples=resamples,
            permutations=permutations,
            seed=seed,
        ),
    )


def _difference(
    found: Differences, name: str, column: int | tuple[()] = (), p_holm: float = float("nan")
) -> Difference:
    undefined = bool(np.isnan(found.difference(name)[column]))
    low, high = (float("nan") if undefined else float(ends[name][column]) for ends in (found.low, found.high))
    return Difference(
        a=rounded(float(found.a[name][column])),
        b=rounded(float(found.b[name][column])),
        difference=rounded(float(found.difference(name)[column])),
        low=rounded(low),
        high=rounded(high),
        p=rounded(float(found.p[name][column])),
        p_holm=rounded(p_holm),
    )
