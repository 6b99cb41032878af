"""Random arrays and tables to evaluate: what an easy, a hard, a partly labelled collection could hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from instrumentarium.tables.taxonomy import Taxonomy
from taxonomies import IRMAS11


@dataclass
class Arrays:
    targets: npt.NDArray[np.bool_]
    predictions: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    observed: npt.NDArray[np.bool_]

    @property
    def truth(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        return self.targets, self.predictions, self.observed

    @property
    def graded(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        return self.targets, self.scores, self.observed

    def permuted(self, order: npt.NDArray[np.int_]) -> "Arrays":
        return Arrays(self.targets[order], self.predictions[order], self.scores[order], self.observed[order])


def draw_arrays(seed: int) -> Arrays:
    """Draw arrays with ties in most, classes without positives in many, and masks in two thirds of the cases."""
    rng = np.random.default_rng(seed)
    clips, classes = int(rng.integers(1, 40)), int(rng.integers(2, 8))
    prevalence = rng.choice([0.0, 0.1, 0.4, 0.9, 1.0], size=classes)
    targets = rng.random((clips, classes)) < prevalence
    scores = rng.random((clips, classes))
    if seed % 4:
        scores = np.round(scores, int(rng.integers(0, 3)))
    observed = rng.random((clips, classes)) < rng.choice([0.2, 0.7, 1.0])
    return Arrays(targets, scores >= rng.choice([0.1, 0.5, 0.9]), scores, observed)


@pytest.fixture
def many_arrays() -> Callable[[int], Iterator[Arrays]]:
    return lambda count: (draw_arrays(seed) for seed in range(count))


@dataclass
class Tables:
    scores: pd.DataFrame
    clips: pd.DataFrame
    labels: pd.DataFrame
    split: pd.DataFrame


def draw_tables(*, songs: int = 60, seed: int = 0, skill: float = 1.6, taxonomy: Taxonomy = IRMAS11) -> Tables:
    """Draw songs of several fully labelled clips, sparsely labelled single clips, and clips in which nothing plays."""
    rng, codes = np.random.default_rng(songs), taxonomy.codes
    clips, labels, split, truth = [], [], [], {}

    def add(clip_id: str, corpus: str, recording: str, part: str, playing: npt.NDArray[np.bool_], seen: float) -> None:
        esc50 = corpus == "esc50"
        clips.append((clip_id, corpus, "test", "rain" if esc50 else "cla", "other" if esc50 else ""))
        split.append((clip_id, part, recording))
        truth[clip_id] = playing
        observed = rng.random(len(codes)) < seen
        labels.extend((clip_id, code, float(playing[c])) for c, code in enumerate(codes) if observed[c])

    for song in range(songs):
        part = ("validation", "test")[song % 2]
        playing = rng.random(len(codes)) < 0.25
        for clip in range(int(rng.integers(1, 6))):
            add(f"irmas/{song:04d}-{clip}", "irmas", f"irmas/{song:04d}", part, playing, 1.0)
        add(f"openmic/{song:04d}", "openmic", f"openmic/{song:04d}", part, rng.random(len(codes)) < 0.25, 0.2)
        silence = np.zeros(len(codes), dtype=np.bool_)
        add(f"esc50/{song:04d}", "esc50", f"esc50/{song:04d}", part, silence, 1.0)
    add("irmas/training", "irmas", "irmas/training", "train", silence, 0.0)

    noise = np.random.default_rng([songs, seed])
    scores = []
    for clip_id, part, _ in split:
        if part != "train":
            logits = skill * (2.0 * truth[clip_id] - 1) - 1 + 1.3 * noise.standard_normal(len(codes))
            scores.append((clip_id, *np.round(1 / (1 + np.exp(-logits)), 6)))
    return Tables(
        pd.DataFrame(scores, columns=["clip_id", *codes]),
        pd.DataFrame(clips, columns=["clip_id", "corpus", "official_split", "genre", "group"]),
        pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"]),
        pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]),
    )


@pytest.fixture(scope="session")
def make_tables() -> Callable[..., Tables]:
    return draw_tables
