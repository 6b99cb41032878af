"""Each policy by hand, over a group of three clips that sound alike and others that do not."""

import pandas as pd
import pytest

from instrumentarium.clips.duplicates import are_alike, conflicting_labels, left_out
from instrumentarium.clips.labels import LabelError, label_arrays
from instrumentarium.duplicates.conflicts import find_conflicts, resolve_conflicts
from instrumentarium.duplicates.report import describe_duplicates
from instrumentarium.tables.schemas import DUPLICATES, resolved_labels_table
from taxonomies import IRMAS11

CLIPS = pd.DataFrame(
    [
        ("irmas/a", "irmas", "train", "irmas/1", 3.0),
        ("irmas/b", "irmas", "train", "irmas/2", 3.0),
        ("openmic/c", "openmic", "train", "openmic/3", 3.2),
        ("openmic/d", "openmic", "train", "openmic/4", 10.0),
        ("openmic/e", "openmic", "test", "openmic/5", 10.0),
    ],
    columns=["clip_id", "corpus", "official_split", "recording_id", "duration_s"],
).assign(pcm_hash=[f"{row:032x}" for row in range(5)])
STATED = {
    ("irmas/a", "gac"): 1.0,
    ("irmas/b", "gel"): 1.0,
    ("openmic/c", "gac"): 0.9,
    ("openmic/c", "pia"): 0.7,
    ("openmic/d", "pia"): 0.2,
    ("openmic/e", "pia"): 0.8,
}
CODES = IRMAS11.codes
PAIRS = [
    ("irmas/a", "irmas/b", "exact", 0.0, 3.0),
    ("irmas/b", "openmic/c", "fingerprint", -0.1, 2.9),
    ("openmic/c", "openmic/d", "fingerprint", 0.0, 3.2),  # a third of d
    ("openmic/d", "openmic/e", "fingerprint", 0.5, 9.5),
]


def labels_of(stated: dict[tuple[str, str], float]) -> pd.DataFrame:
    rows = [(*pair, relevance) for pair, relevance in sorted(stated.items())]
    return pd.DataFrame(rows, columns=["clip_id", "instrument", "relevance"])


def duplicates_of(absent: str = "negative", stated: dict[tuple[str, str], float] = STATED) -> pd.DataFrame:
    pairs = pd.DataFrame(PAIRS, columns=["clip_a", "clip_b", "kind", "offset_s", "overlap_s"]).assign(matches=9)
    known = label_arrays(CLIPS, labels_of(stated), IRMAS11, irmas_train_absent=absent)
    return pairs.assign(conflict=find_conflicts(CLIPS, pairs, known, CODES))


def resolved(policy: str, absent: str = "negative", stated: dict[tuple[str, str], float] = STATED):
    labels = labels_of(stated)
    known = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent=absent)
    return resolve_conflicts(CLIPS, labels, duplicates_of(absent, stated), known, CODES, policy)


def as_dict(labels: pd.DataFrame) -> dict[tuple[str, str], float]:
    return {
        (row.clip_id, row.instrument): row.relevance
        for row in resolved_labels_table(IRMAS11).check(labels, "test").itertuples()
    }


def test_clips_are_alike_where_nine_tenths_of_the_longer_overlap():
    assert are_alike(CLIPS, duplicates_of()).tolist() == [True, True, False, True]


def test_conflicts_by_hand():
    assert duplicates_of()["conflict"].tolist() == ["gac-gel", "gac-pia", "", "pia"]
    # unobserved in IRMAS's training clips: what they don't name they don't deny
    assert duplicates_of("unobserved")["conflict"].tolist() == ["", "", "", "pia"]


def test_a_relevance_of_one_half_conflicts_with_nothing():
    assert duplicates_of(stated=STATED | {("openmic/d", "pia"): 0.5})["conflict"].tolist()[3] == ""


def test_a_table_of_conflicts_keeps_its_contract():
    assert DUPLICATES.check(duplicates_of(), "test")["conflict"].tolist() == ["gac-gel", "gac-pia", "", "pia"]


def test_a_conflict_is_the_whole_groups():
    conflicts = conflicting_labels(CLIPS, duplicates_of())
    assert conflicts == {
        **dict.fromkeys(("irmas/a", "irmas/b", "openmic/c"), frozenset({"gac", "gel", "pia"})),
        **dict.fromkeys(("openmic/d", "openmic/e"), frozenset({"pia"})),
    }


def test_union_lets_the_present_win_where_anyone_was_asked():
    assert as_dict(resolved("union").labels) == STATED | {
        ("irmas/a", "gel"): 1.0,
        ("irmas/a", "pia"): 0.7,
        ("irmas/b", "gac"): 1.0,
        ("irmas/b", "pia"): 0.7,
        ("openmic/d", "pia"): 0.8,
    }


def test_unknown_takes_back_what_was_observed():
    half = [(clip, code) for clip in ("irmas/a", "irmas/b") for code in ("gac", "gel", "pia")]
    half += [("openmic/c", "gac"), ("openmic/c", "pia"), ("openmic/d", "pia"), ("openmic/e", "pia")]
    assert as_dict(resolved("unknown").labels) == dict.fromkeys(half, 0.5)


def test_drop_takes_the_clips_out():
    result = resolved("drop", "unobserved")
    assert result.dropped == ("openmic/d", "openmic/e")
    assert as_dict(result.labels) == {pair: value for pair, value in STATED.items() if pair[0] < "openmic/d"}
    assert left_out(CLIPS, duplicates_of("unobserved"), "drop") == result.dropped
    assert resolved("union").dropped == resolved("unknown").dropped == ()
    for policy in ("union", "unknown"):
        assert left_out(CLIPS, duplicates_of(), policy) == ()


@pytest.mark.parametrize("policy", ["union", "unknown"])
@pytest.mark.parametrize("absent", ["negative", "unobserved"])
def test_afterwards_nobody_disagrees_and_nothing_else_changed(policy: str, absent: str):
    labels = resolved(policy, absent).labels
    before, after = (
        label_arrays(CLIPS, table, IRMAS11, irmas_train_absent=absent) for table in (labels_of(STATED), labels)
    )
    assert find_conflicts(CLIPS, duplicates_of(), after, CODES) == [""] * 4
    conflicts = conflicting_labels(CLIPS, duplicates_of(absent))
    for row, clip_id in enumerate(CLIPS["clip_id"]):
        for column, code in enumerate(CODES):
            if code not in conflicts.get(clip_id, ()):
                assert after.targets[row, column] == before.targets[row, column]
                assert after.observed[row, column] == before.observed[row, column]
            elif policy == "union":
                assert after.observed[row, column] == before.observed[row, column]


def test_without_duplicates_labels_stay_as_they_are():
    labels = labels_of(STATED)
    known = label_arrays(CLIPS, labels, IRMAS11, irmas_train_absent="negative")
    for policy in ("union", "unknown", "drop"):
        result = resolve_conflicts(CLIPS, labels, duplicates_of()[:0], known, CODES, policy)
        assert as_dict(result.labels) == STATED
        assert result.dropped == ()


def test_a_pair_of_an_unlabelled_clip_is_refused():
    known = label_arrays(CLIPS[:1], labels_of({}), IRMAS11, irmas_train_absent="negative")
    with pytest.raises(LabelError, match=r"4 clips have no row in the label arrays, first 'irmas/b'|have no row"):
        find_conflicts(CLIPS, duplicates_of(), known, CODES)


def test_the_metrics_by_hand():
    assert describe_duplicates(CLIPS, duplicates_of(), resolved("drop")) == {
        "exact": 1,
        "fingerprint": 3,
        "across_corpora": 1,
        "across_recordings": 4,
        "conflicting": 3,
        "merged_recordings": 4,
        "dropped_clips": 5,
    }
