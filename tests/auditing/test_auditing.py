"""The audit finds labels that were made wrong, keeps recordings together and never lets a clip vouch for itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instrumentarium.auditing.audit import Audit, audit_labels, describe_audit, nothing_audited, write_audit
from instrumentarium.auditing.calibration import calibrated, lead, logit, sigmoid
from instrumentarium.auditing.evidence import count_labels, duplicates_of, nearest_clips
from instrumentarium.auditing.issues import find_issues
from instrumentarium.auditing.outoffold import (
    Known,
    nearest_rows,
    neighbour_shares,
    out_of_fold_scores,
    recording_means,
    ridge_scores,
)
from instrumentarium.auditing.params import AuditParams
from instrumentarium.auditing.planted import planted_errors, score_audit
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.tables.schemas import LABEL_NEIGHBOURS, label_issues_table
from taxonomies import BAND3

CODES = BAND3.codes
PARAMS = AuditParams(use=True, folds=4, neighbours=5, listed=20)


def world(wrong: int = 64, seed: int = 1, observed_share: float = 0.9) -> tuple[Known, np.ndarray]:
    """80 recordings of 3 clips; embeddings show what plays; a few labels are flipped, and said which."""
    rng = np.random.default_rng(seed)
    plays = np.repeat(rng.random((80, 3)) < 0.4, 3, axis=0)
    embeddings = plays @ rng.standard_normal((3, 12)) * 2 + rng.standard_normal((240, 12)) * 0.5
    observed = rng.random(plays.shape) < observed_share
    errors = np.zeros(plays.shape, dtype=np.bool_)
    cells = np.argwhere(observed)
    errors[tuple(cells[rng.permutation(len(cells))[:wrong]].T)] = True
    recordings = np.repeat([f"r{number:02d}" for number in range(80)], 3)
    known = Known(
        embeddings=embeddings,
        targets=(plays ^ errors) & observed,
        observed=observed,
        folds=np.repeat(np.arange(80) % 4, 3),
        parts=np.full(240, "irmas/train"),
        recordings=recordings,
    )
    return known, errors


def tables_of(known: Known) -> tuple[pd.DataFrame, pd.DataFrame, LabelArrays]:
    ids = [f"irmas/{recording}__{take}" for take, recording in enumerate(known.recordings)]
    clips = pd.DataFrame({"clip_id": ids, "corpus": "irmas", "official_split": "train", "duration_s": 3.0})
    split = pd.DataFrame({"clip_id": ids, "split": "train", "recording_id": known.recordings})
    return clips, split, LabelArrays(tuple(ids), known.targets, known.observed)


@pytest.fixture(scope="module")
def audited() -> tuple[Audit, np.ndarray]:
    known, errors = world()
    clips, split, labels = tables_of(known)
    pair = pd.DataFrame([(clips["clip_id"][0], clips["clip_id"][4], 3.0)], columns=["clip_a", "clip_b", "overlap_s"])
    return audit_labels(clips, split, labels, pair, known.embeddings.astype(np.float32), BAND3, PARAMS, 7), errors


def test_wrong_labels_come_first_and_are_flagged(audited: tuple[Audit, np.ndarray]) -> None:
    audit, errors = audited
    found = score_audit(audit.issues, errors)
    assert found is not None
    assert found.planted == 64  # a tenth of the labels
    assert found.precision_at_planted >= 0.9
    assert found.flagged_recall >= 0.7
    assert found.chance == pytest.approx(64 / (~np.isnan(audit.issues.quality)).sum(), abs=1e-6)


def test_the_tables_keep_their_contracts_and_agree(audited: tuple[Audit, np.ndarray], tmp_path: Path) -> None:
    audit, _ = audited
    write_audit((audit.table, audit.neighbours), BAND3, tmp_path / "issues.csv", tmp_path / "neighbours.csv")
    issues = label_issues_table(BAND3).read(tmp_path / "issues.csv")
    near = LABEL_NEIGHBOURS.read(tmp_path / "neighbours.csv")
    assert issues["rank"].tolist() == list(range(1, len(issues) + 1))
    assert len(issues) == max(20, audit.issues.flagged.sum())
    assert issues["quality"].is_monotonic_increasing
    present = issues["stated"] == "present"
    np.testing.assert_allclose(issues["quality"], np.where(present, issues["score"], 1 - issues["score"]), atol=2e-6)
    assert (issues["flagged"] == "yes").sum() == audit.issues.flagged.sum()
    assert set(near["clip_id"]) == set(issues["clip_id"])
    assert near.groupby("clip_id").size().eq(PARAMS.neighbours).all()
    recording = lambda clip_id: clip_id.rpartition("__")[0]  # noqa: E731
    assert (near["clip_id"].map(recording) != near["neighbour"].map(recording)).all()
    known_neighbours = issues["neighbours_present"] + issues["neighbours_absent"]
    assert known_neighbours.le(PARAMS.neighbours).all()


def test_the_same_seed_gives_the_same_tables(audited: tuple[Audit, np.ndarray]) -> None:
    known, _ = world()
    clips, split, labels = tables_of(known)
    again = audit_labels(
        clips,
        split,
        labels,
        pd.DataFrame([(clips["clip_id"][0], clips["clip_id"][4], 3.0)], columns=["clip_a", "clip_b", "overlap_s"]),
        known.embeddings.astype(np.float32),
        BAND3,
        PARAMS,
        7,
    )
    pd.testing.assert_frame_equal(again.table, audited[0].table)
    pd.testing.assert_frame_equal(again.neighbours, audited[0].neighbours)


def test_a_clips_own_label_does_not_reach_its_score_before_calibration() -> None:
    known, _ = world()
    held = known.folds == 0
    arrays = (known.embeddings[~held], known.targets[~held], known.observed[~held])
    changed = replace(known, targets=known.targets ^ (held[:, None] & known.observed))
    again = (changed.embeddings[~held], changed.targets[~held], changed.observed[~held])
    for classify in (
        lambda *a: ridge_scores(known.embeddings[held], *a, np.random.default_rng(0)),
        lambda *a: neighbour_shares(known.embeddings[held], *a),
    ):
        np.testing.assert_array_equal(classify(*arrays), classify(*again))


def test_unobserved_pairs_neither_teach_nor_get_flagged() -> None:
    known, _ = world(observed_share=0.5)
    other = replace(known, targets=known.targets | ~known.observed)
    one, two = out_of_fold_scores(known, 3), out_of_fold_scores(other, 3)
    np.testing.assert_allclose(one, two, atol=1e-9)
    issues = find_issues(one, known.targets, known.observed)
    assert not issues.flagged[~known.observed].any()
    assert np.isnan(issues.quality[~known.observed]).all()
    rows, columns = issues.ranked()
    assert len(rows) == known.observed.sum()
    assert known.observed[rows, columns].all()


def test_ridge_with_all_landmarks_is_kernel_ridge_regression() -> None:
    from sklearn.kernel_ridge import KernelRidge

    rng = np.random.default_rng(4)
    references, queries = rng.standard_normal((60, 5)), rng.standard_normal((7, 5))
    targets = rng.random((60, 2)) < 0.5
    found = ridge_scores(queries, references, targets, np.ones_like(targets), rng)
    # the mean of what is regressed is left out of the penalty, so centre kernel and truth
    from sklearn.preprocessing import KernelCenterer

    kernel = lambda a, b: np.exp(-np.square(a[:, None] - b).sum(axis=2) / 5)  # noqa: E731
    centre = KernelCenterer().fit(kernel(references, references))
    model = KernelRidge(alpha=1.0, kernel="precomputed")
    model.fit(centre.transform(kernel(references, references)), targets - targets.mean(axis=0))
    expected = model.predict(centre.transform(kernel(queries, references))) + targets.mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_shares_of_neighbours_by_hand() -> None:
    references = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    targets = np.array([[True, False], [False, False], [True, False]])
    observed = np.array([[True, False], [True, False], [True, False]])
    shares = neighbour_shares(np.array([[2.0, 0.0]]), references, targets, observed)
    near, far = np.exp(5.0), np.exp(-5.0)
    assert shares[0, 0] == pytest.approx((near + far) / (2 * near + far))
    assert shares[0, 1] == 0  # no label is known: the share of all that are


def test_nearest_come_first_and_ties_go_by_row() -> None:
    rows, cosines = nearest_rows(
        np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [3.0, 0.0], [2.0, 0.0], [1.0, 1.0]]), count=3
    )
    assert rows.tolist() == [[1, 2, 3]]
    np.testing.assert_allclose(cosines[0], [1, 1, np.sqrt(0.5)])


def test_calibration_of_each_part_is_right_on_average() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2000, 1)) * 3
    parts = np.repeat(["easy", "hard"], 1000)
    truth = rng.random((2000, 1)) < sigmoid(np.where(parts == "easy", 2.0, 0.3)[:, None] * values)
    found = calibrated(values, truth, np.ones_like(truth), parts)
    for part in ("easy", "hard"):
        rows = parts == part
        assert found[rows].mean() == pytest.approx(truth[rows].mean(), abs=1e-3)
    assert found[(parts == "easy") & (values[:, 0] > 2)].mean() > found[(parts == "hard") & (values[:, 0] > 2)].mean()


def test_a_part_with_few_labels_takes_the_calibration_of_all_and_one_class_is_its_share() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((300, 1))
    truth = values > rng.standard_normal((300, 1))
    parts = np.array(["many"] * 290 + ["few"] * 10)
    whole = calibrated(values, truth, np.ones_like(truth), np.full(300, "all"))
    np.testing.assert_array_equal(calibrated(values, truth, np.ones_like(truth), parts)[290:], whole[290:])
    assert (calibrated(values, np.zeros_like(truth), np.ones_like(truth), parts) == 0).all()


def test_the_lead_over_the_strongest_other() -> None:
    np.testing.assert_array_equal(lead(np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]])), [[1, -2, -1], [0, 0, -1]])


def test_clips_of_a_recording_share_their_score_where_they_share_the_label() -> None:
    known, _ = world()
    few = Known(
        known.embeddings[:4],
        targets=np.array([[True], [True], [False], [True]]),
        observed=np.ones((4, 1), dtype=np.bool_),
        folds=known.folds[:4],
        parts=known.parts[:4],
        recordings=np.array(["a", "a", "a", "b"]),
    )
    scores = sigmoid(np.array([[1.0], [3.0], [-1.0], [0.0]]))
    np.testing.assert_allclose(logit(recording_means(scores, few))[:, 0], [2, 2, -1, 0], atol=1e-9)


def test_neighbours_by_hand() -> None:
    embeddings = np.array([[1.0, 0.0], [1.1, 0.0], [0.9, 0.1], [-3.0, -0.1]])
    near, cosines = nearest_clips(np.array([0]), embeddings, np.array(["a", "a", "b", "c"]), count=3)
    assert near.tolist() == [[2, 3, -1]]
    assert np.isnan(cosines[0, 2])
    labels = LabelArrays(
        ("0", "1", "2", "3"), np.array([[0], [0], [1], [0]], dtype=bool), np.array([[1], [1], [1], [0]], dtype=bool)
    )
    assert [int(count[0]) for count in count_labels(near, np.array([0]), labels)] == [1, 0]


def test_duplicates_are_named_both_ways_and_only_where_they_sound_alike() -> None:
    clips = pd.DataFrame({"clip_id": ["a", "b", "c"], "duration_s": [3.0, 3.0, 30.0]})
    pairs = pd.DataFrame([("a", "b", 3.0), ("a", "c", 3.0)], columns=["clip_a", "clip_b", "overlap_s"])
    assert duplicates_of(clips, pairs) == {"a": ["b"], "b": ["a"]}


def labels_of(targets: list[list[int]], observed: list[list[int]]) -> LabelArrays:
    ids = tuple(f"c{number}" for number in range(len(targets)))
    return LabelArrays(ids, np.array(targets, dtype=bool), np.array(observed, dtype=bool))


def test_planted_errors_are_the_stated_label_and_the_missing_one(tmp_path: Path) -> None:
    one, two, three = CODES
    (tmp_path / "irmas").mkdir()
    text = f"clip_id,flaw,detail,partner\nc0,wrong_label,{two},\nc1,duplicate,same bytes,c0\nc2,wrong_label,{three},\n"
    (tmp_path / "irmas" / "truth.csv").write_text(text + f"c9,wrong_label,{one},\n", encoding="utf-8")
    known = labels_of([[1, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 1, 1]] * 3)  # c2 was put right; c9 is not in the split
    found = planted_errors(tmp_path, known, CODES)
    assert found is not None
    assert found.tolist() == [[True, True, False], [False] * 3, [False] * 3]


def test_where_nothing_was_planted_there_is_nothing_to_score_by(tmp_path: Path) -> None:
    known = labels_of([[1, 0, 0]], [[1, 1, 1]])
    assert planted_errors(tmp_path / "none", known, CODES) is None
    (tmp_path / "irmas").mkdir()
    truth = tmp_path / "irmas" / "truth.csv"
    truth.write_text("clip_id,flaw,detail,partner\nc0,duplicate,,\n", encoding="utf-8")
    assert planted_errors(tmp_path, known, CODES) is None
    truth.write_text("clip_id,flaw,detail,partner\nc0,wrong_label,theremin,\n", encoding="utf-8")
    assert planted_errors(tmp_path, known, CODES) is None
    issues = find_issues(np.array([[0.1, 0.2, 0.3]]), known.targets, known.observed)
    assert score_audit(issues, None) is None
    assert score_audit(issues, np.zeros((1, 3), dtype=bool)) is None


def test_metrics_by_hand() -> None:
    targets = np.array([[1], [1], [0], [0]], dtype=bool)
    issues = replace(
        find_issues(np.array([[0.1], [0.9], [0.8], [0.2]]), targets, np.ones_like(targets)),
        flagged=np.array([[1], [0], [0], [0]], dtype=bool),
    )
    found = score_audit(issues, np.array([[1], [0], [0], [1]], dtype=bool))
    assert found is not None
    # qualities 0.1, 0.9, 0.2, 0.8: the first two of the ranking are one error and one right label
    assert (found.precision_at_planted, found.chance, found.planted, found.flagged) == (0.5, 0.5, 2, 1)
    assert (found.flagged_precision, found.flagged_recall) == (1.0, 0.5)


def test_an_audit_that_is_off_writes_empty_tables(tmp_path: Path) -> None:
    write_audit(nothing_audited(BAND3), BAND3, tmp_path / "issues.csv", tmp_path / "neighbours.csv")
    assert len(label_issues_table(BAND3).read(tmp_path / "issues.csv")) == 0
    assert len(LABEL_NEIGHBOURS.read(tmp_path / "neighbours.csv")) == 0
    content = describe_audit(None, CODES, None)
    assert content["audited"] is False
    assert {value for key, value in content.items() if key != "audited"} == {None}
