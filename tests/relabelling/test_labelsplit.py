"""A coarse label split where embeddings show the instruments, kept as relevance, unknown where it is not sure."""

from pathlib import Path

import numpy as np
import pytest

from instrumentarium.relabelling.collection import read_lineups
from instrumentarium.relabelling.labelsplit import (
    LabelSplitError,
    Method,
    as_overrides,
    decided,
    score_split,
    split_label,
)
from instrumentarium.tables.overrides import read_overrides, write_overrides

TARGETS = ("gac", "gel")


def world(
    teachers: int = 60, learners: int = 50, spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    rng = np.random.default_rng(2)
    centres = rng.standard_normal((2, 10)) * 2
    which, asked = rng.integers(2, size=teachers), rng.integers(2, size=learners)
    known = centres[which] + spread * rng.standard_normal((teachers, 10))
    others = centres[asked] + spread * rng.standard_normal((learners, 10))
    return others, known, np.eye(2, dtype=bool)[which], asked.tolist()


@pytest.mark.parametrize("method", ["logistic", "kmeans"])
def test_what_lies_apart_is_told_apart(method: Method) -> None:
    others, known, truth, asked = world()
    found = split_label(others, known, truth, TARGETS, method, seed=0)
    assert found.shape == (50, 2)
    assert ((found >= 0) & (found <= 1)).all()
    assert (found.argmax(axis=1) == asked).mean() >= 0.95
    np.testing.assert_array_equal(found, split_label(others, known, truth, TARGETS, method, seed=0))


def test_both_instruments_can_play_in_a_clip() -> None:
    rng = np.random.default_rng(0)
    plays = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)[rng.integers(3, size=200)]
    embeddings = 3 * plays @ rng.standard_normal((2, 12)) + 0.3 * rng.standard_normal((200, 12))
    for method in ("logistic", "kmeans"):
        found = split_label(embeddings[150:], embeddings[:150], plays[:150], TARGETS, method, seed=0)
        assert ((found > 0.5) == plays[150:]).mean() > 0.95, method


def test_relevance_is_kept_where_it_is_sure_and_unknown_otherwise() -> None:
    probabilities = np.array([[0.95, 0.04], [0.6, 0.1], [0.1, 0.2], [0.9, 0.7]])
    np.testing.assert_array_equal(
        decided(probabilities, 0.8), [[0.95, 0.04], [np.nan] * 2, [np.nan] * 2, [0.9, np.nan]]
    )


def test_the_overrides_are_a_file_that_can_be_used(tmp_path: Path) -> None:
    rows = as_overrides(["c1", "c2"], np.array([[0.95, 0.04], [0.6, 0.5]]), TARGETS, 0.8, "split-label guitar")
    write_overrides(tmp_path / "guitars.csv", rows)
    found = read_overrides(tmp_path / "guitars.csv")
    assert [(row.clip_id, row.instrument, row.relevance) for row in found] == [
        ("c1", "gac", 0.95),
        ("c1", "gel", 0.04),
        ("c2", "gac", None),
        ("c2", "gel", None),
    ]


def test_scores_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.9, 0.05], [0.2, 0.9]])
    taught = np.array([[1, 0], [1, 0], [0, 1]], dtype=bool)  # the majority is acoustic
    plays = {
        "a": frozenset({"gac"}),
        "b": frozenset({"gel", "drums"}),
        "c": frozenset({"gac", "gel"}),
        "d": frozenset({"gel"}),
    }
    found = score_split(["a", "b", "c", "d"], probabilities, taught, TARGETS, 0.8, plays)
    assert found is not None
    assert (found.clips, found.decided) == (3, 2)  # c has both
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.majority == pytest.approx(1 / 3)
    assert found.decided_accuracy == 1.0
    assert score_split(["z"], probabilities[:1], taught, TARGETS, 0.8, plays) is None


def test_what_cannot_be_split_is_said() -> None:
    others, known, truth, _ = world()
    with pytest.raises(LabelSplitError, match="two instruments or more"):
        split_label(others, known, truth, TARGETS[:1], "logistic", 0)
    with pytest.raises(LabelSplitError, match="no clip has the label"):
        split_label(others[:0], known, truth, TARGETS, "logistic", 0)
    with pytest.raises(LabelSplitError, match="gac plays in 60 of 60 clips"):
        split_label(others, known, np.ones_like(truth), TARGETS, "logistic", 0)


def test_line_ups_are_read_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("clip_id,instrument\na,gac\na,drums\nb,gel\n")
    assert read_lineups(path) == {"a": frozenset({"gac", "drums"}), "b": frozenset({"gel"})}
    path.write_text("clip,instrument\n")
    with pytest.raises(LabelSplitError, match="must have clip_id and instrument"):
        read_lineups(path)
    with pytest.raises(LabelSplitError, match="no CSV table"):
        read_lineups(tmp_path / "none.csv")
