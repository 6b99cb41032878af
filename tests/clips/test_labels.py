import numpy as np
import pandas as pd
import pytest

from instrumentarium.clips.labels import LabelError, label_arrays
from instrumentarium.tables.taxonomy import Taxonomy
from taxonomies import BAND3, IRMAS11

CODES = IRMAS11.codes
CLIPS = pd.DataFrame(
    [("b", "irmas", "train"), ("a", "irmas", "test"), ("c", "openmic", "train")],
    columns=["clip_id", "corpus", "official_split"],
)


def rows(*labels: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(labels), columns=["clip_id", "instrument", "relevance"])


def test_a_row_says_present_absent_or_nothing():
    labels = rows(
        ("a", "cel", 1.0), ("a", "pia", 0.0), ("a", "voi", 0.5), ("a", "org", 0.500001), ("a", "tru", 0.499999)
    )
    arrays = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="unobserved")
    assert arrays.clip_ids == ("b", "a", "c")
    assert [code for code, target in zip(CODES, arrays.targets[1], strict=True) if target] == ["cel", "org"]
    assert [code for code, seen in zip(CODES, arrays.observed[1], strict=True) if seen] == ["cel", "org", "pia", "tru"]


def test_a_pair_without_a_row_is_unobserved():
    arrays = label_arrays(CLIPS, rows(), IRMAS11, irmas_train_absent="unobserved")
    assert arrays.targets.shape == arrays.observed.shape == (3, 11)
    assert not arrays.targets.any()
    assert not arrays.observed.any()


def test_what_is_absent_from_an_irmas_training_clip_is_a_choice():
    labels = rows(("b", "sax", 1.0), ("a", "sax", 1.0), ("c", "sax", 1.0))
    negative = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="negative")
    unobserved = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="unobserved")
    assert negative.observed.sum(axis=1).tolist() == [11, 1, 1]
    assert unobserved.observed.sum(axis=1).tolist() == [1, 1, 1]
    np.testing.assert_array_equal(negative.targets, unobserved.targets)
    assert negative.targets.sum() == 3


def test_an_undecided_row_of_an_irmas_training_clip_stays_unobserved():
    arrays = label_arrays(CLIPS, rows(("b", "sax", 0.5)), IRMAS11, irmas_train_absent="negative")
    assert not arrays.observed[0, CODES.index("sax")]
    assert arrays.observed[0].sum() == 10


def test_targets_are_false_wherever_nothing_is_observed():
    rng = np.random.default_rng(0)
    labels = rows(*[(clip, code, float(rng.choice([0, 0.3, 0.5, 1]))) for clip in "abc" for code in CODES])
    arrays = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="negative")
    assert not (arrays.targets & ~arrays.observed).any()


def test_rows_can_be_taken_in_another_order():
    arrays = label_arrays(CLIPS, rows(("c", "vio", 1.0)), IRMAS11, irmas_train_absent="negative")
    taken = arrays.take(["c", "b"])
    assert taken.clip_ids == ("c", "b")
    assert taken.targets.sum(axis=1).tolist() == [1, 0]
    assert taken.observed.sum(axis=1).tolist() == [1, 11]
    with pytest.raises(LabelError, match="1 clips have no row in the label arrays, first 'x'"):
        arrays.take(["c", "x"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            rows(("a", "cel", 1.0), ("z", "cel", 1.0)),
            "labels for 1 clips that are not in the table of clips, first 'z'",
        ),
        (rows(("a", "sitar", 1.0)), "unknown instrument 'sitar'; allowed are cel, cla, flu, .*, voi"),
        (rows(("a", "cel", 1.0), ("a", "cel", 0.0)), "1 pairs have more than one row, first 'a', 'cel'"),
        (rows(("a", "cel", 1.5)), r"relevance 1.5 of 'a', 'cel' is not a number from 0 to 1"),
        (rows(("a", "cel", float("nan"))), r"relevance nan of 'a', 'cel'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: pd.DataFrame, message: str):
    with pytest.raises(LabelError, match=message):
        label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="negative")


def test_a_repeated_clip_is_refused():
    with pytest.raises(LabelError, match="clip 'b' occurs more than once"):
        label_arrays(pd.concat([CLIPS, CLIPS[:1]]), rows(), IRMAS11, irmas_train_absent="negative")


def test_an_unknown_meaning_of_absence_is_refused():
    with pytest.raises(LabelError, match="irmas_train_absent is 'missing'; it must be"):
        label_arrays(CLIPS, rows(), IRMAS11, irmas_train_absent="missing")  # type: ignore[arg-type]


def test_columns_are_the_taxonomys():
    arrays = label_arrays(CLIPS, rows(("c", "steel_drums", 0.9)), BAND3, irmas_train_absent="unobserved")
    assert arrays.targets.tolist() == [[False] * 3, [False] * 3, [False, False, True]]
    with pytest.raises(LabelError, match="unknown instrument 'cel'; allowed are banjo, bass, steel_drums"):
        label_arrays(CLIPS, rows(("c", "cel", 0.9)), BAND3, irmas_train_absent="unobserved")


def test_an_irmas_training_clip_denies_only_what_irmas_has_a_label_for():
    covering = Taxonomy("x", (*IRMAS11.instruments, *BAND3.instruments), {"irmas": IRMAS11.codes})
    arrays = label_arrays(CLIPS, rows(("b", "sax", 1.0)), covering, irmas_train_absent="negative")
    assert arrays.observed[0].tolist() == [True] * 11 + [False] * 3
    assert arrays.observed[1:].sum() == 0
