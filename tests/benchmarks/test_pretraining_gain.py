"""Which labels a share keeps; the trainings themselves are other tests'."""

from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scripts import load_script

from instrumentarium.clips.labels import LabelArrays


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_script("benchmarks/pretraining_gain.py")


RECORDINGS = 40  # of each instrument and corpus, two clips each


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, LabelArrays]:
    rows, targets = [], []
    for corpus in ("irmas", "openmic"):
        for place in range(3):
            for number in range(RECORDINGS):
                part = ("train", "train", "validation", "test")[number % 4]
                for clip in range(2):
                    rows.append((f"{corpus}/{place}-{number:02d}-{clip}", part, f"{corpus} {place} {number}"))
                    targets.append([place == column for column in range(3)])
    split = pd.DataFrame(rows, columns=["clip_id", "split", "recording_id"])
    truth = np.array(targets, dtype=np.bool_)
    return split, LabelArrays(tuple(split["clip_id"]), truth, np.ones_like(truth))


@pytest.mark.parametrize(("share", "each"), [(0.1, 2), (0.5, 10), (0.01, 1), (1.0, 20)])
def test_a_share_of_recordings_is_kept_of_each_instrument_and_corpus(
    benchmark: ModuleType, tables: tuple[pd.DataFrame, LabelArrays], share: float, each: int
) -> None:
    split, labels = tables
    left = benchmark.labelled_share(split, labels, share, seed=0)
    training = left[left["split"] == "train"]
    counts = training.groupby(training["clip_id"].str.split("-").str[0])["recording_id"].nunique()
    assert counts.to_dict() == {f"{corpus}/{place}": each for corpus in ("irmas", "openmic") for place in range(3)}
    assert (training.groupby("recording_id").size() == 2).all(), "recordings stay whole"
    for part in ("validation", "test"):
        assert (left["split"] == part).sum() == (split["split"] == part).sum()


def test_a_seed_draws_the_same_recordings_and_another_one_others(
    benchmark: ModuleType, tables: tuple[pd.DataFrame, LabelArrays]
) -> None:
    first, again, other = (benchmark.labelled_share(*tables, 0.1, seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["recording_id"]) != set(other["recording_id"])
