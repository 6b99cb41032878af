from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from explaining.made import scored_clips

from instrumentarium.clips.labels import LabelArrays, LabelError
from instrumentarium.explaining.choosing import choose_clips, choose_named
from instrumentarium.explaining.errors import StaleScoresError, UnknownClipError
from instrumentarium.explaining.scored import gather
from instrumentarium.tables.taxonomy import Taxonomy
from taxonomies import BAND3, IRMAS11

CODES = IRMAS11.codes


def test_best_is_the_highest_score_where_the_instrument_plays():
    scored = scored_clips()
    for choice in choose_clips(scored, 1):
        column = CODES.index(choice.instrument)
        labelled = (scored.splits == "test") & scored.observed[:, column]
        if "best" in choice.name:
            assert choice.truth == "plays"
            assert choice.score == scored.scores[labelled & scored.targets[:, column], column].max()
        else:
            distance = abs(scored.scores[:, column] - scored.targets[:, column])
            assert distance[choice.row] == distance[labelled].max()
        assert scored.splits[choice.row] == "test"
        assert scored.clip_ids[choice.row] == choice.clip_id


def test_every_instrument_that_is_labelled_has_its_worst_clip():
    assert {choice.instrument for choice in choose_clips(scored_clips(), 1) if "worst" in choice.name} == set(CODES)


def test_a_choice_names_its_instrument_and_its_column():
    scored = scored_clips(taxonomy=BAND3)
    choices = choose_clips(scored, 1)
    assert {choice.instrument_name for choice in choices} == {"banjo", "bass", "steel drums"}
    for choice in choices:
        assert BAND3.codes[choice.column] == choice.instrument
        assert BAND3.names[choice.instrument] == choice.instrument_name
        assert choice.score == scored.scores[choice.row, choice.column]


def test_of_a_recording_one_clip_of_each_kind_is_taken():
    scored = scored_clips(80)
    choices = choose_clips(scored, 5)
    for code in CODES:
        for kind in ("best", "worst"):
            mine = [choice for choice in choices if choice.name.startswith(f"{code}-{kind}-")]
            assert [choice.name for choice in mine] == [f"{code}-{kind}-{n}" for n in range(1, len(mine) + 1)]
            assert len({scored.recordings[choice.row] for choice in mine}) == len(mine) <= 5


def test_pairs_without_a_label_are_left_alone():
    scored = scored_clips()
    blank = replace(scored, observed=np.zeros_like(scored.observed), targets=np.zeros_like(scored.targets))
    assert choose_clips(blank, 3) == []


def test_equal_scores_go_by_clip_id():
    scored = scored_clips()
    flat = replace(
        scored,
        scores=np.full_like(scored.scores, 0.3),
        observed=np.ones_like(scored.observed),
        targets=np.zeros_like(scored.targets),
    )
    assert {choice.clip_id for choice in choose_clips(flat, 1)} == {scored.clip_ids[0]}


def test_none_can_be_asked_for():
    assert choose_clips(scored_clips(), 0) == []


def test_a_named_clip_is_explained_for_all_it_is_known_to_hold():
    scored = scored_clips()
    row = int(scored.targets.sum(axis=1).argmax())
    choices = choose_named(scored, (scored.clip_ids[row], scored.clip_ids[row]))
    assert [choice.instrument for choice in choices] == [
        code for code, plays in zip(CODES, scored.targets[row], strict=True) if plays
    ]
    assert choices[0].name == f"clip-01-{choices[0].instrument}"


def test_a_named_clip_without_known_instrument_is_explained_for_the_highest_score():
    scored = scored_clips()
    silent = replace(scored, targets=np.zeros_like(scored.targets))
    (choice,) = choose_named(silent, (scored.clip_ids[3],))
    assert choice.score == scored.scores[3].max()
    assert choice.truth in ("silent", "unknown")


def test_an_unknown_clip_is_named_with_the_closest_ones():
    scored = scored_clips()
    with pytest.raises(UnknownClipError, match=r"'irmas/Part1/03 Cafe.*closest: 'irmas/Part1/.*data/scores/model.csv"):
        choose_named(scored, ("irmas/Part1/03 Cafe",))


def test_the_word_for_a_clip_s_instruments():
    scored = scored_clips(5)
    targets, observed = np.zeros((5, 11), dtype=np.bool_), np.zeros((5, 11), dtype=np.bool_)
    observed[0] = observed[1] = observed[2] = True
    targets[1, 3] = targets[2, 3] = targets[2, 4] = True
    observed[3, 7] = targets[3, 7] = True
    words = replace(scored, targets=targets, observed=observed).instruments()
    assert list(words) == ["none", "gac", "several", "sax", "unknown"]


def tables(ids: tuple[str, ...] = ("b", "a")) -> tuple[pd.DataFrame, LabelArrays, pd.DataFrame, pd.DataFrame, Taxonomy]:
    clips = pd.DataFrame({"clip_id": ids, "corpus": "irmas", "genre": "", "group": "", "official_split": ""})
    split = pd.DataFrame({"clip_id": [*ids, "c"], "split": "test", "recording_id": [*ids, "c"]})
    scores = pd.DataFrame({"clip_id": ids, **{code: [0.25, 0.5] for code in CODES}})
    targets = np.zeros((2, 11), dtype=np.bool_)
    return clips, LabelArrays(ids, targets, ~targets), split, scores, IRMAS11


def test_tables_are_joined_by_clip_in_the_order_of_ids():
    scored = gather(*tables())
    assert scored.clip_ids == ("a", "b")
    assert scored.scores[:, 0].tolist() == [0.5, 0.25]
    assert scored.recordings.tolist() == ["a", "b"]


def test_scores_of_other_clips_are_refused():
    clips, labels, split, scores, taxonomy = tables()
    with pytest.raises(StaleScoresError, match=r"1 of 2 clips have no scores, first 'a'; .* run `dvc repro score`"):
        gather(clips, labels, split, scores.replace("a", "z"), taxonomy)


def test_labels_of_other_clips_are_refused():
    clips, labels, split, scores, taxonomy = tables()
    with pytest.raises(LabelError, match="1 clips have no row"):
        gather(clips, replace(labels, clip_ids=("b", "z")), split, scores, taxonomy)
