"""A local search that moves and swaps recordings until the parts look like the whole.

It makes LD + 3 LPD + (largest prevalence gap + largest relative size gap) / 4 small, LD and LPD as means over the parts
(see distribution.py). LPD weighs most since it is the hardest to bring down: a pair in one song only cannot be
spread. The gaps, which are maxima and rest on one label or part, weigh least.

Threshold accepting (Dueck, Scheuer: Threshold accepting, Journal of Computational Physics 90, 1990): a change of two parts
is made if it worsens the objective by less than a threshold, which falls to 0 on the way. One step judges a batch of random
moves and swaps together and makes the first that passes; late in the search few do, so the batches grow. The number of
steps is fixed; no clock is looked at.

The same input gives the same parts on any machine: counts are whole numbers, every quotient is one correctly rounded
division, and weighted deviations are rounded to whole multiples of a quantum, so that their sums are exact in any order.
"""

from collections.abc import Sequence

import numpy as np

from instrumentarium.splitting.distribution import FloatArray, odds
from instrumentarium.splitting.units import IntArray, Units

FEWEST_STEPS, MOST_STEPS = 500, 10_000
"""Between these, as many steps as the first parts have swaps."""
FIRST_BATCH, LAST_BATCH = 16, 256
SWAPS_PER_MOVE = 8
THRESHOLD = 1 / 32
"""Of the objective at the beginning: the first threshold."""
LD_WEIGHT, LPD_WEIGHT, GAP_WEIGHT, SIZE_WEIGHT = 1.0, 3.0, 0.25, 0.25
QUANTUM = 2.0**-32
"""What weighted deviations are multiples of: sums below 2**20 are exact in float64."""


def improved_parts(units: Units, parts: IntArray, shares: Sequence[float], rng: np.random.Generator) -> IntArray:
    """Return (units,) parts that are at least as good as `parts` by the measure above; none is emptied.

    Args:
        units: the recordings, at least one.
        parts: (units,), the part each begins in.
        shares: the share of clips that each part should get, at least two; above 0, together 1.
        rng: of the moves and swaps that are looked at.
    """
    state = _State(units, shares, parts)
    best, best_parts = state.objective, state.parts.copy()
    sizes = np.bincount(parts)
    swaps = int(len(units) ** 2 - (sizes**2).sum()) // 2
    steps = min(max(FEWEST_STEPS, swaps), MOST_STEPS)
    first = state.objective * THRESHOLD
    for step in range(steps):
        if best == 0:
            break
        batch = FIRST_BATCH + (LAST_BATCH - FIRST_BATCH) * step // steps
        state.step(first * (steps - step) / steps, batch, rng)
        if state.objective < best:
            best, best_parts = state.objective, state.parts.copy()
    return best_parts


class _State:
    """Where every unit is, and the sums by which a step judges a change from the two parts that it touches.

    Attributes:
        parts: (units,), the part of each.
        objective: what the search makes small, in quanta.
    """

    def __init__(self, units: Units, shares: Sequence[float], parts: IntArray) -> None:
        self.parts = parts.copy()
        counted = np.concatenate([units.clips[:, None], units.positives, units.pairs], axis=1).astype(np.float64)
        # (units + 1, 1 + labels + pairs): clips, and how many of them hold each label and pair; the last unit is nothing
        self._counted = np.concatenate([counted, np.zeros((1, counted.shape[1]))])
        labels, pairs = units.positives.shape[1], units.pairs.shape[1]
        whole = counted.sum(axis=0)
        self._odds = odds(whole[1:], whole[0])
        weights = np.repeat([LD_WEIGHT / max(labels, 1), LPD_WEIGHT / max(pairs, 1)], [labels, pairs])
        self._weights = weights / (len(shares) * QUANTUM)
        self._labels = slice(1, 1 + labels)
        self._wanted = np.asarray(shares, dtype=np.float64) * whole[0]
        self._totals = np.zeros((len(shares), self._counted.shape[1]))
        np.add.at(self._totals, self.parts, counted)
        self._measure()
        self.objective = float(self._deviations.sum() + _gaps(self._prevalences, self._sizes))

    def _measure(self) -> None:
        """Set what a step needs to know of the parts as they are."""
        self._deviations = self._deviation(self._totals)  # (parts,)
        self._prevalences = self._prevalence(self._totals)  # (parts, labels)
        self._sizes = self._size(self._totals, np.arange(len(self._totals)))  # (parts,)

    def step(self, threshold: float, batch: int, rng: np.random.Generator) -> None:
        """Make the first of a batch of random changes that keeps the objective below itself plus `threshold`."""
        unit, other, here, there = self._changes(batch, rng)
        if not len(unit):
            return
        gained = self._counted[other]
        gained -= self._counted[unit]
        changed = np.empty((2, *gained.shape))  # (2, changes, 1 + labels + pairs): here and there
        np.add(self._totals[here], gained, out=changed[0])
        np.subtract(self._totals[there], gained, out=changed[1])

        deviations = self._deviations.sum() - self._deviations[here] - self._deviations[there]
        deviations += self._deviation(changed).sum(axis=0)
        rows = np.arange(len(unit))
        prevalences = np.repeat(self._prevalences[None], len(unit), axis=0)  # (changes, parts, labels)
        sizes = np.repeat(self._sizes[None], len(unit), axis=0)  # (changes, parts)
        for side, part in enumerate((here, there)):
            prevalences[rows, part] = self._prevalence(changed[side])
            sizes[rows, part] = self._size(changed[side], part)
        objectives = deviations + _gaps(prevalences, sizes)

        passing = (objectives < self.objective + threshold) & (changed[0, :, 0] > 0)  # no part is emptied
        first = int(passing.argmax())
        if passing[first]:
            if other[first] >= 0:
                self.parts[other[first]] = here[first]
            self.parts[unit[first]] = there[first]
            self._totals[here[first]], self._totals[there[first]] = changed[0, first], changed[1, first]
            self.objective = float(objectives[first])
            self._measure()

    def _changes(self, batch: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Draw (unit, the unit it swaps with or −1, its part, the part it goes to); each (changes,), at most `batch`."""
        count = len(self.parts)
        unit = rng.integers(count, size=batch)
        other = rng.integers(count + count // SWAPS_PER_MOVE + 1, size=batch)
        beyond = rng.integers(1, len(self._totals), size=batch)
        moves = other >= count
        other[moves] = -1
        here = self.parts[unit]
        there = np.where(moves, (here + beyond) % len(self._totals), self.parts[other])
        real = here != there
        return unit[real], other[real], here[real], there[real]

    def _deviation(self, totals: FloatArray) -> FloatArray:
        """Return (...): the sum of weighted |odds − odds in the whole| over labels and pairs, in quanta."""
        apart = odds(totals[..., 1:], totals[..., :1])
        apart -= self._odds
        np.abs(apart, out=apart)
        apart *= self._weights
        return np.asarray(np.rint(apart, out=apart).sum(axis=-1), dtype=np.float64)

    def _prevalence(self, totals: FloatArray) -> FloatArray:
        """Return (..., labels): the share of clips that hold each."""
        return np.asarray(totals[..., self._labels] / np.maximum(totals[..., :1], 1.0), dtype=np.float64)

    def _size(self, totals: FloatArray, parts: IntArray) -> FloatArray:
        """Return (...): |clips / clips asked for − 1|."""
        return np.asarray(np.abs(totals[..., 0] / self._wanted[parts] - 1), dtype=np.float64)


def _gaps(prevalences: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return (...), in quanta: the weighted largest gaps of (..., parts, labels) prevalences and (..., parts) sizes."""
    apart = (prevalences.max(axis=-2) - prevalences.min(axis=-2)).max(axis=-1)
    return np.asarray((apart * GAP_WEIGHT + sizes.max(axis=-1) * SIZE_WEIGHT) / QUANTUM, dtype=np.float64)
