"""The comparison of trainings with and without a family; the trainings themselves are made up."""

from types import ModuleType

import numpy as np
import pytest
from scripts import load_script

from instrumentarium.clips.scored import ScoredClips


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_script("benchmarks/augmentation_gain.py")


def clips(noise: float, seed: int) -> ScoredClips:
    """Return clips of 40 recordings of two splits, scored with so much noise."""
    truth, rng = np.random.default_rng(0), np.random.default_rng(seed)
    targets = truth.random((160, 3)) < 0.4
    scores = np.clip(0.3 + 0.4 * targets + noise * rng.standard_normal((160, 3)), 0, 1)
    words = np.array(["x"] * 160)
    return ScoredClips(
        codes=("a", "b", "c"),
        clip_ids=np.array([f"c{number:03d}" for number in range(160)]),
        splits=np.repeat(["validation", "test"], 80),
        targets=targets,
        observed=np.ones_like(targets),
        scores=scores,
        recordings=np.array([f"r{number // 4:03d}" for number in range(160)]),
        corpora=words,
        genres=words,
        groups=words,
        official_splits=words,
    )


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_gain_is_found_with_its_interval_and_nothing_where_there_is_none(benchmark: ModuleType, split: str):
    good, poor = ([clips(noise, seed) for seed in range(3)] for noise in (0.1, 0.5))
    for metric, found in benchmark.compared(good, poor, split).items():
        assert found["difference"] == pytest.approx(found["with"] - found["without"], abs=2e-4), metric
        assert found["difference"] == pytest.approx(np.mean(found["by_seed"]), abs=1e-4)
        low, high = found["interval"]
        assert 0 < low < found["difference"] < high
    same = benchmark.compared(poor, poor, split)
    for metric in benchmark.METRICS:
        assert same[metric]["difference"] == 0
        assert same[metric]["interval"] == [0, 0]
