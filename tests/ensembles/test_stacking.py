"""Stacking learns from validation without letting a recording's own labels reach its score."""

from dataclasses import replace

import numpy as np
import pytest

from instrumentarium.baselines.rows import Rows
from instrumentarium.ensembles.stacking import stack
from instrumentarium.evaluation.ranking import map_macro


def rows_of(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    targets = np.repeat(rng.random((count // 3, 2)) < 0.5, 3, axis=0)
    values = (rng.normal(size=(count, 4)) * 0.3).astype(np.float32)
    values[:, :2] += 3.0 * targets
    recordings = np.repeat([f"r{number:02d}" for number in range(count // 3)], 3)
    return Rows(values, targets, np.ones_like(targets), np.ones(count), recordings)


def test_no_recordings_own_label_reaches_its_score() -> None:
    rows = rows_of(60, 0)
    _, own, _ = stack(rows, rows.values[:1], 1.0, 5)
    for name in ("r03", "r11"):
        mine = rows.recordings == name
        turned = replace(rows, targets=np.where(mine[:, None], ~rows.targets, rows.targets))
        _, changed, _ = stack(turned, rows.values[:1], 1.0, 5)
        np.testing.assert_array_equal(own[mine], changed[mine])
        assert not np.allclose(own[~mine], changed[~mine])


def test_other_clips_are_scored_by_all_of_validation() -> None:
    rows, others = rows_of(60, 0), rows_of(30, 5)
    whole, own, scores = stack(rows, others.values, 1.0, 5)
    np.testing.assert_array_equal(scores, whole.scores(others.values))
    assert map_macro(others.targets, scores, others.observed) == pytest.approx(1.0)
    assert map_macro(rows.targets, own, rows.observed) > 0.95


def test_what_is_not_observed_changes_nothing() -> None:
    rows = rows_of(60, 0)
    observed = rows.observed.copy()
    observed[::3, 0] = False
    hidden = replace(rows, observed=observed)
    lying = replace(hidden, targets=np.where(observed, rows.targets, ~rows.targets))
    for one, other in zip(stack(hidden, rows.values, 1.0, 5)[1:], stack(lying, rows.values, 1.0, 5)[1:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_recording_cannot_be_cross_fitted() -> None:
    rows = replace(rows_of(6, 0), recordings=np.array(["r"] * 6))
    with pytest.raises(ValueError, match="one recording"):
        stack(rows, rows.values, 1.0, 5)
