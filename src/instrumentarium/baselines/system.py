"""What a classical system is: arrays, and a function of them and of descriptors. It learns elsewhere (`training`).

All of a system that scoring takes are arrays of numbers, named; so it is saved as those, and loading runs no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import FloatArray

Float32 = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[np.generic]]
Kind = Literal["linear", "kernel", "neighbours", "trees", "mean", "stacking"]
"""Of systems; the last two are made of others."""
BLOCK = 2048
"""Rows that are scored at once."""


class System(Protocol):
    """Scores descriptors."""

    kind: ClassVar[Kind]

    def scores(self, values: Float32) -> FloatArray:
        """Return (rows, instruments), probabilities, for descriptors (rows, columns)."""

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return all that `scores` needs."""


class FromArrays:
    """A dataclass whose fields are arrays, saved and restored under their names."""

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the fields."""
        return {each.name: np.ascontiguousarray(getattr(self, each.name)) for each in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        """Return the system of these arrays.

        Raises:
            KeyError: if one is missing.
        """
        return cls(**{each.name: arrays[each.name] for each in fields(cls)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Scaling(FromArrays):
    """Standardised descriptors: mean 0 and deviation 1 over the training windows; what never varies becomes 0.

    Attributes:
        mean: (columns,).
        deviation: (columns,), 1 where there is none.
    """

    mean: FloatArray
    deviation: FloatArray

    def __call__(self, values: Float32) -> FloatArray:
        """Return the standardised values, (rows, columns), within ±CLIP, so that an outlier does not decide alone."""
        return np.clip((values - self.mean) / self.deviation, -CLIP, CLIP)


CLIP = 8.0
"""Deviations from the mean beyond which a value counts no more."""


def fit_scaling(values: Float32, weights: FloatArray) -> Scaling:
    """Return the scaling of weighted rows."""
    share = weights / weights.sum()
    mean = share @ values.astype(np.float64)
    deviation = np.sqrt(share @ np.square(values - mean))
    return Scaling(mean, np.where(deviation > 1e-9 * np.maximum(np.abs(mean), 1e-9), deviation, 1.0))


def sigmoid(values: FloatArray) -> FloatArray:
    """Return the logistic function, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))


@dataclass(frozen=True)
class Linear(FromArrays):
    """A weight for each column and instrument: linear support vector machines, or logistic regressions.

    Attributes:
        mean: of the scaling, (columns,).
        deviation: of the scaling, (columns,).
        coefficients: (columns, instruments), those of the calibration included.
        intercepts: (instruments,).
    """

    kind: ClassVar[Kind] = "linear"
    mean: FloatArray
    deviation: FloatArray
    coefficients: FloatArray
    intercepts: FloatArray

    def logits(self, standardised: FloatArray) -> FloatArray:
        """Return the logits of standardised descriptors."""
        return np.asarray(standardised @ self.coefficients + self.intercepts)

    def scores(self, values: Float32) -> FloatArray:
        """Return the probabilities."""
        return sigmoid(self.logits(Scaling(self.mean, self.deviation)(values)))


@dataclass(frozen=True)
class Kernel(FromArrays):
    """Support vector machines with a radial basis, which share their vectors.

    Attributes:
        mean: of the scaling, (columns,).
        deviation: of the scaling, (columns,).
        vectors: (vectors, columns), standardised.
        coefficients: (vectors, instruments), those of the calibration included; 0 where a vector is not the machine's.
        intercepts: (instruments,).
        gamma: (1,), of exp(-gamma |a - b|²).
    """

    kind: ClassVar[Kind] = "kernel"
    mean: FloatArray
    deviation: FloatArray
    vectors: Float32
    coefficients: FloatArray
    intercepts: FloatArray
    gamma: FloatArray

    def logits(self, standardised: FloatArray) -> FloatArray:
        """Return the logits of standardised descriptors."""
        blocks = [
            rbf_kernel(standardised[begin : begin + BLOCK], self.vectors.astype(np.float64), float(self.gamma[0]))
            @ self.coefficients
            for begin in range(0, len(standardised), BLOCK)
        ]
        return np.asarray(np.concatenate([np.zeros((0, len(self.intercepts))), *blocks]) + self.intercepts)

    def scores(self, values: Float32) -> FloatArray:
        """Return the probabilities."""
        return sigmoid(self.logits(Scaling(self.mean, self.deviation)(values)))


def rbf_kernel(a: FloatArray, b: FloatArray, gamma: float) -> FloatArray:
    """Return exp(-gamma |a - b|²) of all pairs of rows, (rows of a, rows of b)."""
    return np.asarray(np.exp(-gamma * squared_distances(a, b)))


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the squared distance of all pairs of rows."""
    lengths = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None, :]
    return np.asarray(np.maximum(lengths - 2 * (a @ b.T), 0))


@dataclass(frozen=True)
class Neighbours(FromArrays):
    """ML-kNN: how many of the nearest observed windows are positive, and what that number says of the instrument.

    Attributes:
        mean: of the scaling, (columns,).
        deviation: of the scaling, (columns,).
        vectors: (vectors, columns), standardised.
        targets: (vectors, instruments), 1 or 0.
        observed: (vectors, instruments), 1 or 0.
        posteriors: (k + 1, instruments), the probability for each number of positive neighbours.
    """

    kind: ClassVar[Kind] = "neighbours"
    mean: FloatArray
    deviation: FloatArray
    vectors: Float32
    targets: npt.NDArray[np.uint8]
    observed: npt.NDArray[np.uint8]
    posteriors: FloatArray

    def scores(self, values: Float32) -> FloatArray:
        """Return the probabilities."""
        standardised = Scaling(self.mean, self.deviation)(values)
        found = []
        for begin in range(0, len(standardised), BLOCK):
            distances = squared_distances(standardised[begin : begin + BLOCK], self.vectors.astype(np.float64))
            counts = positive_neighbours(distances, self.targets, self.observed, len(self.posteriors) - 1)
            found.append(np.take_along_axis(self.posteriors, counts, axis=0))
        return np.concatenate([np.zeros((0, self.posteriors.shape[1])), *found])


def positive_neighbours(
    distances: FloatArray, targets: npt.NDArray[np.uint8], observed: npt.NDArray[np.uint8], k: int
) -> npt.NDArray[np.int_]:
    """Return how many of the k nearest vectors that are observed are positive, (rows, instruments).

    Equal distances go by the vectors' order. A vector at an infinite distance is no neighbour.

    Args:
        distances: (rows, vectors).
        targets: (vectors, instruments).
        observed: (vectors, instruments).
        k: how many.
    """
    order = np.argsort(distances, axis=1, kind="stable")
    reached = np.isfinite(np.take_along_axis(distances, order, axis=1))
    counts = np.zeros((len(distances), targets.shape[1]), dtype=np.int_)
    for column in range(targets.shape[1]):
        seen = observed[order, column].astype(np.bool_) & reached
        nearest = seen & (np.cumsum(seen, axis=1) <= k)
        counts[:, column] = (nearest & (targets[order, column] > 0)).sum(axis=1)
    return counts


@dataclass(frozen=True)
class Trees(FromArrays):
    """Boosted trees of every instrument, as nodes one after another.

    Attributes:
        roots: (instruments, trees), the node where each tree begins.
        columns: (nodes,), the column a node asks for; -1 for a leaf.
        limits: (nodes,), values up to this go left.
        left: (nodes,), the node to the left.
        right: (nodes,), the node to the right.
        values: (nodes,), what a leaf adds to the logit.
        intercepts: (instruments,).
    """

    kind: ClassVar[Kind] = "trees"
    roots: npt.NDArray[np.int32]
    columns: npt.NDArray[np.int32]
    limits: FloatArray
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    values: FloatArray
    intercepts: FloatArray

    def scores(self, values: Float32) -> FloatArray:
        """Return the probabilities."""
        logits = np.empty((len(values), len(self.intercepts)))
        rows = np.arange(len(values))[:, None]
        for instrument, roots in enumerate(self.roots):
            nodes = np.broadcast_to(roots, (len(values), len(roots)))
            while (inner := self.columns[nodes] >= 0).any():
                low = values[rows, np.maximum(self.columns[nodes], 0)] <= self.limits[nodes]
                nodes = np.where(inner, np.where(low, self.left[nodes], self.right[nodes]), nodes)
            logits[:, instrument] = self.intercepts[instrument] + self.values[nodes].sum(axis=1)
        return sigmoid(logits)


KINDS: dict[str, type[Linear | Kernel | Neighbours | Trees]] = {
    each.kind: each for each in (Linear, Kernel, Neighbours, Trees)
}
