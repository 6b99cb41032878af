import numpy as np
import pytest
from scipy.special import expit
from scored_fixtures import scored_clips

from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.reliability import FEWEST, filled_bins, reliability_rows
from taxonomies import IRMAS11

CODES = IRMAS11.codes


def draw(clips=600, sharpness=1.0):
    """Scores whose logits are `sharpness` times those of the true probabilities; the last instrument is nowhere observed."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((clips, len(CODES)))
    targets = rng.random(logits.shape) < expit(logits)
    observed = rng.random(logits.shape) < 0.8
    observed[:, -1] = False
    names = (np.arange(clips) // 3).astype(str)
    return scored_clips(targets, observed, expit(sharpness * logits), names)


def rows_of(split):
    return reliability_rows(split, draw_weights(split.recordings, 300, 1))


def test_every_observed_pair_is_in_one_bin_and_shares_are_of_its_pairs():
    split = draw()
    rows = rows_of(split)
    for column, code in enumerate(CODES[:-1]):
        mine = [row for row in rows if row["instrument"] == code]
        seen = split.observed[:, column]
        assert sum(row["count"] for row in mine) == seen.sum()
        assert sum(row["count"] * row["share"] for row in mine) == pytest.approx(
            split.targets[seen, column].sum(), abs=1e-3
        )
        assert sum(row["count"] * row["mean_score"] for row in mine) == pytest.approx(
            split.scores[seen, column].sum(), abs=1e-3
        )
        assert sorted(row["mean_score"] for row in mine) == [row["mean_score"] for row in mine]
        assert all(row["low"] <= row["share"] <= row["high"] for row in mine)


def test_an_instrument_that_is_nowhere_observed_keeps_its_place():
    (row,) = [row for row in rows_of(draw()) if row["instrument"] == CODES[-1]]
    assert row == {
        "instrument": CODES[-1],
        "mean_score": None,
        "share": None,
        "count": 0,
        "low": None,
        "high": None,
    }


def test_intervals_hold_the_diagonal_where_scores_are_probabilities_and_not_where_they_are_too_sure():
    def off(split):
        together = [row for row in rows_of(split) if row["instrument"] == "all"]
        return sum(not row["low"] <= row["mean_score"] <= row["high"] for row in together)

    assert off(draw()) <= 1
    assert off(draw(sharpness=3.0)) >= 6


@pytest.mark.parametrize("pairs", [1, 5, 8, 9, 40, 300])
def test_bins_are_filled_and_keep_the_order_of_scores(pairs):
    scores = np.random.default_rng(pairs).random(pairs) ** 3
    place = filled_bins(scores)
    assert place.min() == 0
    counts = np.bincount(place)
    assert (counts >= min(FEWEST, pairs)).all()
    assert (np.diff(place[np.argsort(scores)]) >= 0).all()
