import numpy as np
import pytest
from scored_fixtures import scored_clips
from sklearn.metrics import average_precision_score, roc_auc_score

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.curves import MOST_POINTS, TOLERANCE, precision_recall_rows, roc_rows, thin
from instrumentarium.evaluation.histograms import BINS, score_rows
from instrumentarium.evaluation.ranking import ap_per_instrument, auroc_per_instrument, map_macro
from taxonomies import IRMAS11

CODES = IRMAS11.codes


def scored(clips: int = 1500, seed: int = 0) -> ScoredClips:
    rng = np.random.default_rng(seed)
    targets = rng.random((clips, 11)) < np.linspace(0.02, 0.4, 11)
    targets[:, 4] = False
    scores = np.clip(0.4 + 0.25 * targets + 0.15 * rng.standard_normal(targets.shape), 0, 1)
    names = np.array([f"song/{row}" for row in range(clips)])
    return scored_clips(targets, rng.random(targets.shape) < 0.9, scores, names)


def curve(rows: list[dict], instrument: str, x: str, y: str) -> np.ndarray:
    return np.array([(row[x], row[y]) for row in rows if row["instrument"] == instrument], dtype=float)


def test_the_area_under_a_thinned_roc_curve_is_the_auroc():
    split = scored()
    rows = roc_rows(split)
    expected = auroc_per_instrument(split.targets, split.scores, split.observed)
    for column, code in enumerate(CODES):
        line = curve(rows, code, "fpr", "tpr")
        if code == "gel":
            assert np.isnan(line).all()
            assert len(line) == 1
            continue
        assert line[0].tolist() == [0, 0]
        assert line[-1].tolist() == [1, 1]
        assert (np.diff(line, axis=0) >= 0).all()
        assert np.trapezoid(line[:, 1], line[:, 0]) == pytest.approx(expected[column], abs=3 * TOLERANCE)
    macro = curve(rows, "macro", "fpr", "tpr")
    assert np.trapezoid(macro[:, 1], macro[:, 0]) == pytest.approx(np.nanmean(expected), abs=3 * TOLERANCE)


def test_the_area_under_a_thinned_precision_recall_curve_is_the_average_precision():
    split = scored()
    rows = precision_recall_rows(split)
    expected = ap_per_instrument(split.targets, split.scores, split.observed)
    for column, code in enumerate(CODES):
        line = curve(rows, code, "recall", "precision")
        if code == "gel":
            assert np.isnan(line).all()
            continue
        assert (line[0, 0], line[-1, 0]) == (0, 1)
        assert (np.diff(line[:, 0]) >= 0).all()
        # between points the drawn line is straight where average precision steps: they differ where positives are few
        few = 1 / (split.targets & split.observed)[:, column].sum()
        assert np.trapezoid(line[:, 1], line[:, 0]) == pytest.approx(expected[column], abs=3 * TOLERANCE + few)
    macro = curve(rows, "macro", "recall", "precision")
    area = np.trapezoid(macro[:, 1], macro[:, 0])
    assert area == pytest.approx(map_macro(split.targets, split.scores, split.observed), abs=0.01)


def test_rows_keep_the_order_of_the_instruments():
    for rows in (roc_rows(scored(60)), precision_recall_rows(scored(60))):
        assert list(dict.fromkeys(row["instrument"] for row in rows)) == [*CODES, "micro", "macro"]


def test_curves_are_small():
    rows = roc_rows(scored(5000)) + precision_recall_rows(scored(5000))
    assert len(rows) <= 2 * 13 * MOST_POINTS


def test_thinning_keeps_the_look_of_a_curve():
    rng = np.random.default_rng(0)
    steps = rng.random((4000, 2)) ** 8
    full = np.cumsum(steps, axis=0) / steps.sum(axis=0)
    thinned = thin(full)
    assert len(thinned) <= MOST_POINTS
    assert set(map(tuple, thinned)) <= set(map(tuple, full))
    np.testing.assert_array_equal(thinned[[0, -1]], full[[0, -1]])
    assert np.abs(np.interp(full[:, 0], *thinned.T) - full[:, 1]).max() < 0.02


def test_thinning_drops_what_lies_on_a_line_and_keeps_corners():
    corner = np.vstack([np.column_stack([np.zeros(50), np.linspace(0, 1, 50)]), [[1.0, 1.0]]])
    np.testing.assert_array_equal(thin(corner), [[0, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(thin(corner[:1]), corner[:1])


def test_histograms_hold_every_observed_clip_once():
    split = scored(300)
    rows = score_rows(split)
    assert len(rows) == 11 * 2 * BINS
    for column, code in enumerate(CODES):
        mine = [row for row in rows if row["instrument"] == code]
        assert sum(row["count"] for row in mine) == split.observed[:, column].sum()
        shares = [row["share"] for row in mine if row["truth"] == "plays"]
        assert shares == [None] * BINS if code == "gel" else sum(shares) == pytest.approx(1, abs=0.001)


def test_rows_state_the_area_of_the_whole_curve():
    split = scored()
    arrays = split.targets, split.scores, split.observed
    for rows, name, expected in (
        (roc_rows(split), "auroc", auroc_per_instrument(*arrays)),
        (precision_recall_rows(split), "ap", ap_per_instrument(*arrays)),
    ):
        stated = {code: [row[name] for row in rows if row["instrument"] == code] for code in (*CODES, "micro", "macro")}
        assert stated.pop("gel") == [None]
        known = split.observed
        pooled = roc_auc_score if name == "auroc" else average_precision_score
        areas = dict(zip(CODES, expected, strict=True))
        areas |= {"macro": np.nanmean(expected), "micro": pooled(split.targets[known], split.scores[known])}
        for code, found in stated.items():
            assert set(found) == {found[0]}
            assert found[0] == pytest.approx(areas[code], abs=5e-5)
