import numpy as np
import pytest
from evaluation.conftest import draw_arrays
from scored_fixtures import scored_clips

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.bootstrap import (
    draw_weights,
    percentile_intervals,
    resampled_headline,
    resampled_per_instrument,
)


def scored(seed: int) -> ScoredClips:
    arrays = draw_arrays(seed)
    clips = len(arrays.targets)
    recordings = np.random.default_rng(seed).integers(0, max(1, clips // 2), clips).astype(np.str_)
    return scored_clips(arrays.targets, arrays.observed, arrays.scores, recordings)


def repeated(split: ScoredClips, weights: np.ndarray) -> ScoredClips:
    """Return the clips as often as a resample has them."""
    return split.where(np.repeat(np.arange(len(weights)), weights.astype(int)))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(60))
def test_every_value_is_the_metric_of_the_drawn_clips(seed: int):
    split = scored(seed)
    weights = draw_weights(split.recordings, 5, seed)
    predictions = split.scores >= 0.5
    headline = resampled_headline(split, predictions, weights)
    detail = resampled_per_instrument(split, predictions, weights)
    for row, each in enumerate(weights):
        drawn = repeated(split, each)
        truth = drawn.targets, drawn.scores >= 0.5, drawn.observed
        graded = drawn.targets, drawn.scores, drawn.observed
        expected = {
            **{name: getattr(m, name)(*truth) for name in ("f1_macro", "f1_micro", "f1_samples", "hamming")},
            **{name: getattr(m, name)(*truth) for name in ("exact_match", "false_instrument_rate")},
            **{
                name: getattr(r, name)(*graded)
                for name in ("map_macro", "auroc_macro", "lrap", "coverage_error", "brier")
            },
        }
        assert set(headline) == set(expected)
        for name, value in expected.items():
            assert headline[name][row] == pytest.approx(value, abs=1e-12, nan_ok=True), name
        per_instrument = {
            **{name: getattr(m, f"{name}_per_instrument")(*truth) for name in ("f1", "precision", "recall")},
            **{name: getattr(r, f"{name}_per_instrument")(*graded) for name in ("ap", "auroc")},
        }
        assert set(detail) == set(per_instrument)
        for name, values in per_instrument.items():
            np.testing.assert_allclose(detail[name][row], values, rtol=0, atol=1e-12, err_msg=name)


def test_recordings_are_drawn_whole_and_as_many_as_there_are():
    recordings = np.array(["a", "b", "b", "c", "b", "a"])
    weights = draw_weights(recordings, 500, 7)
    assert weights.shape == (500, 6)
    for clips in ([0, 5], [1, 2, 4]):
        assert (weights[:, clips] == weights[:, clips[:1]]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights[:, 0].mean() == pytest.approx(1, abs=0.15)


def test_the_same_seed_draws_the_same_and_the_order_of_clips_never_matters():
    recordings = np.array(["b", "a", "c", "a"])
    weights = draw_weights(recordings, 20, 3)
    assert np.array_equal(weights, draw_weights(recordings, 20, 3))
    assert not np.array_equal(weights, draw_weights(recordings, 20, 4))
    order = np.array([2, 0, 3, 1])
    assert np.array_equal(draw_weights(recordings[order], 20, 3), weights[:, order])


def test_intervals_by_hand():
    values = np.arange(101.0)
    columns = np.stack([values, np.full(101, np.nan), np.where(values < 51, values, np.nan)], axis=1)
    ends = percentile_intervals({"one": values, "three": columns})
    assert [float(end) for end in ends["one"]] == pytest.approx([2.5, 97.5])
    low, high = ends["three"]
    np.testing.assert_allclose(low, [2.5, np.nan, 1.25])
    np.testing.assert_allclose(high, [97.5, np.nan, 48.75])


def correlated(rng: np.random.Generator, songs: int = 60) -> ScoredClips:
    """Return clips of songs of 1 to 20 clips, in which a song is easy or hard as a whole."""
    sizes = rng.integers(1, 21, songs)
    easiness = np.repeat(rng.beta(1.0, 1.0, songs), sizes)
    right = rng.random(len(easiness)) < easiness
    targets = np.ones((len(easiness), 1), dtype=np.bool_)
    names = np.repeat(np.arange(songs), sizes).astype(np.str_)
    return scored_clips(targets, np.ones_like(targets), right[:, None] * 0.9, names)


@pytest.mark.parametrize("unit", ["recording", "clip"])
def test_intervals_cover_the_truth_when_recordings_are_drawn_and_not_when_clips_are(unit: str):
    """The Hamming score of such songs is 0.5 on average."""
    trials, covered = {"recording": 1500, "clip": 200}[unit], 0
    rng = np.random.default_rng(11)
    for trial in range(trials):
        split = correlated(rng)
        drawn_by = split.recordings if unit == "recording" else np.arange(len(split.recordings)).astype(np.str_)
        weights = draw_weights(drawn_by, 300, trial)
        right = (split.scores[:, 0] >= 0.5).astype(np.float64)
        hamming = weights @ right / weights.sum(axis=1)
        low, high = percentile_intervals({"hamming": hamming})["hamming"]
        covered += bool(low <= 0.5 <= high)
    if unit == "recording":
        assert 0.93 <= covered / trials <= 0.97
    else:
        assert covered / trials < 0.75
