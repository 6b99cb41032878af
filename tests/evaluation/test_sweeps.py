import numpy as np
import pytest
import sklearn.metrics as sk
from scored_fixtures import scored_clips

from instrumentarium.evaluation.choosing import choose_thresholds
from instrumentarium.evaluation.sweeps import threshold_rows
from taxonomies import IRMAS11

CODES = IRMAS11.codes


@pytest.fixture(scope="module")
def choosing():
    rng = np.random.default_rng(3)
    targets = rng.random((200, len(CODES))) < 0.2
    targets[:, 1] = False
    scores = np.clip(0.4 * targets + 0.6 * rng.random(targets.shape), 0, 1)
    observed = rng.random(targets.shape) < 0.9
    return scored_clips(targets, observed, scores, (np.arange(200) // 4).astype(str))


@pytest.mark.parametrize("rule", ["fixed", "global", "per_instrument"])
def test_curves_equal_scikit_learns_and_mark_what_was_chosen(choosing, rule):
    truth = choosing.targets, choosing.scores, choosing.observed, choosing.recordings
    thresholds = choose_thresholds(*truth, codes=CODES, rule=rule)
    rows = threshold_rows(choosing, thresholds)
    assert list(dict.fromkeys(row["instrument"] for row in rows)) == [*CODES, "macro"]
    for column, code in enumerate(CODES):
        mine = [row for row in rows if row["instrument"] == code]
        if code == CODES[1]:
            assert [row["f1"] for row in mine] == [None]
            assert not mine[0]["chosen"]
            continue
        (chosen,) = [row for row in mine if row["chosen"]]
        assert chosen["threshold"] == pytest.approx(thresholds.vector()[column], abs=1e-6)
        assert len(mine) in {51, 52}
        seen = choosing.observed[:, column]
        target, score = choosing.targets[seen, column], choosing.scores[seen, column]
        for row in mine[::10]:
            assert row["f1"] == pytest.approx(sk.f1_score(target, score >= row["threshold"]), abs=1e-6)
            assert row["recall"] == pytest.approx(sk.recall_score(target, score >= row["threshold"]), abs=1e-6)


def test_nothing_beats_the_global_threshold_on_the_clips_that_chose_it(choosing):
    truth = choosing.targets, choosing.scores, choosing.observed, choosing.recordings
    rows = [
        row
        for row in threshold_rows(choosing, choose_thresholds(*truth, codes=CODES, rule="global"))
        if row["instrument"] == "macro"
    ]
    (chosen,) = [row for row in rows if row["chosen"]]
    assert chosen["f1"] == max(row["f1"] for row in rows)
