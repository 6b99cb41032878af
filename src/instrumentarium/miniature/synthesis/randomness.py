"""Random generators that depend on what they are for, never on the order in which they are asked."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def generator(seed: int, *purpose: object) -> np.random.Generator:
    """A generator that `seed` and the words of `purpose` determine alone, on any machine."""
    text = "\x1f".join(str(word) for word in (seed, *purpose))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest(), "little"))


def choose(random: np.random.Generator, options: Sequence[Choice]) -> Choice:
    """One of `options`, each equally likely; unlike `Generator.choice` it never turns them into an array."""
    return options[int(random.integers(len(options)))]


def between(random: np.random.Generator, low: float, high: float) -> float:
    """A number drawn evenly from [low, high)."""
    return float(random.uniform(low, high))


def happens(random: np.random.Generator, probability: float) -> bool:
    """Whether an event of this probability happens."""
    return bool(random.random() < probability)
