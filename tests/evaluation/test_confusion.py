import numpy as np
import pytest
from scored_fixtures import scored_clips

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.confusion import (
    confusion_matrix,
    confusion_per_instrument_rows,
    confusion_rows,
)
from instrumentarium.evaluation.metrics import precision_per_instrument, recall_per_instrument
from taxonomies import IRMAS11

CODES = IRMAS11.codes

CEL, CLA, FLU, GAC, NONE = 0, 1, 2, 3, 11


def clips_of(targets: np.ndarray, observed: np.ndarray) -> ScoredClips:
    return scored_clips(targets, observed, np.zeros(targets.shape), np.arange(len(targets)).astype(str))


def one_clip(playing: list[int], predicted: list[int]) -> np.ndarray:
    targets, predictions = np.zeros((1, 11), dtype=np.bool_), np.zeros((1, 11), dtype=np.bool_)
    targets[0, playing] = predictions[0, predicted] = True
    return confusion_matrix(targets, predictions, np.ones_like(targets))


@pytest.mark.parametrize(
    ("playing", "predicted", "counts"),
    [
        ([CEL], [CEL], {(CEL, CEL): 1}),
        ([CEL], [CLA], {(CEL, CLA): 1}),
        ([CEL], [], {(CEL, NONE): 1}),
        ([], [CLA], {(NONE, CLA): 1}),
        ([], [], {(NONE, NONE): 1}),
        ([CEL, CLA], [CEL], {(CEL, CEL): 1, (CLA, NONE): 1}),
        ([CEL], [CEL, CLA], {(CEL, CEL): 1, (NONE, CLA): 1}),
        ([CEL], [CLA, FLU], {(CEL, CLA): 0.5, (CEL, FLU): 0.5, (NONE, CLA): 0.5, (NONE, FLU): 0.5}),
        ([CEL, CLA], [FLU], {(CEL, FLU): 0.5, (CLA, FLU): 0.5, (CEL, NONE): 0.5, (CLA, NONE): 0.5}),
        ([CEL, CLA], [FLU, GAC], {(CEL, FLU): 0.5, (CEL, GAC): 0.5, (CLA, FLU): 0.5, (CLA, GAC): 0.5}),
    ],
)
def test_what_is_taken_for_what_in_a_single_clip(playing, predicted, counts):
    expected = np.zeros((12, 12))
    for cell, count in counts.items():
        expected[cell] = count
    np.testing.assert_allclose(one_clip(playing, predicted), expected)


def test_rows_sum_to_what_plays_and_columns_to_what_is_predicted():
    rng = np.random.default_rng(0)
    targets, predictions = rng.random((2, 300, 11)) < 0.2
    observed = np.ones_like(targets)
    matrix = confusion_matrix(targets, predictions, observed)
    np.testing.assert_allclose(matrix[:-1].sum(axis=1), targets.sum(axis=0))
    np.testing.assert_allclose(matrix[:, :-1].sum(axis=0), predictions.sum(axis=0))
    diagonal = np.diagonal(matrix)[:-1]
    np.testing.assert_allclose(
        diagonal / matrix[:-1].sum(axis=1), recall_per_instrument(targets, predictions, observed)
    )
    np.testing.assert_allclose(
        diagonal / matrix[:, :-1].sum(axis=0), precision_per_instrument(targets, predictions, observed)
    )


def test_only_fully_labelled_clips_tell_what_is_taken_for_what():
    rng = np.random.default_rng(0)
    targets, predictions = rng.random((2, 50, 11)) < 0.2
    observed = np.ones_like(targets)
    observed[::2, 3] = False
    expected = confusion_matrix(targets[1::2], predictions[1::2], observed[1::2])
    np.testing.assert_allclose(confusion_matrix(targets, predictions, observed), expected)


def test_rows_for_the_plot_hold_shares_of_the_truth():
    targets = np.zeros((4, 11), dtype=np.bool_)
    predictions = targets.copy()
    targets[:3, CEL] = True
    predictions[:2, CEL] = predictions[2, CLA] = True
    rows = {
        (row["actual"], row["predicted"]): row
        for row in confusion_rows(clips_of(targets, np.ones_like(targets)), predictions)
    }
    assert len(rows) == 144
    assert rows["cel", "cel"] == {"actual": "cel", "predicted": "cel", "count": 2.0, "share": 0.6667}
    assert rows["cel", "cla"]["share"] == 0.3333
    assert rows["none", "none"]["share"] == 1
    assert rows["voi", "voi"] == {"actual": "voi", "predicted": "voi", "count": 0.0, "share": None}


def test_each_instruments_own_matrix_counts_its_observed_pairs():
    rng = np.random.default_rng(0)
    targets, predictions = rng.random((2, 60, 11)) < 0.3
    observed = rng.random(targets.shape) < 0.7
    targets[:, GAC] = False
    rows = confusion_per_instrument_rows(clips_of(targets, observed), predictions)
    assert len(rows) == 44
    for column, code in enumerate(CODES):
        mine = {(row["actual"], row["predicted"]): row for row in rows if row["instrument"] == code}
        assert sum(row["count"] for row in mine.values()) == observed[:, column].sum()
        assert mine["plays", "predicted"]["count"] == (targets & predictions & observed)[:, column].sum()
        assert mine["silent", "predicted"]["count"] == (~targets & predictions & observed)[:, column].sum()
    assert [row["share"] for row in rows if row["instrument"] == "gac" and row["actual"] == "plays"] == [None, None]
