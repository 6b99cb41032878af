from pathlib import Path

import pytest
from reviewing.conftest import CLIP_IDS, opened, write_issues, write_repository

from instrumentarium.reporting.listening import UnknownClipError
from instrumentarium.reviewing.opening import Choice
from instrumentarium.reviewing.questions import Question, QuestionError, word_of
from instrumentarium.runtime.errors import UserError
from taxonomies import BAND3

FIRST, SECOND, THIRD = BAND3.codes


@pytest.mark.parametrize(
    ("relevance", "word"),
    [(None, "unsure"), (0.5, "unsure"), (0.0, "absent"), (0.49, "absent"), (0.51, "present"), (1.0, "present")],
)
def test_a_relevance_says_what_losses_take_it_for(relevance, word) -> None:
    assert word_of(relevance) == word


def test_issues_are_asked_in_their_order_with_the_opposite_proposed(review) -> None:
    assert [question.pair for question in review.questions] == [
        (CLIP_IDS[0], FIRST),
        (CLIP_IDS[1], THIRD),
        (CLIP_IDS[0], SECOND),
    ]
    assert [question.proposed for question in review.questions] == ["absent", "absent", "present"]
    assert review.questions[0].evidence == (("score", "0.0312345"), ("nearest", "irmas/x (absent), near"))
    assert review.questions[1].evidence == (("score", "0.2"),)


@pytest.mark.parametrize(
    ("proposed", "word"), [("present", "present"), ("absent", "absent"), ("unsure", "unsure"), ("", "absent")]
)
def test_a_stated_proposal_goes_before_the_opposite(repository, proposed, word) -> None:
    write_issues(repository, f"{CLIP_IDS[1]},{FIRST},present,{proposed}", header="clip_id,instrument,stated,proposed")
    assert opened(repository).questions == [Question(CLIP_IDS[1], FIRST, "present", word)]


def test_a_pair_is_asked_once(repository) -> None:
    write_issues(
        repository,
        f"{CLIP_IDS[1]},{FIRST},present,,",
        f"{CLIP_IDS[1]},{THIRD},present,,",
        f"{CLIP_IDS[1]},{FIRST},present,,",
    )
    assert [question.instrument for question in opened(repository).questions] == [FIRST, THIRD]


def test_a_label_may_say_nothing(repository) -> None:
    write_issues(repository, f"{CLIP_IDS[1]},{FIRST},unsure,0.5,")
    assert opened(repository).questions == [Question(CLIP_IDS[1], FIRST, "unsure", "", (("score", "0.5"),))]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"irmas/none,{FIRST},present,,", "line 2: no corpus has the clip 'irmas/none'"),
        (f"{CLIP_IDS[1]},kazoo,present,,", "line 2: 'kazoo' is no instrument of the taxonomy"),
        (f"{CLIP_IDS[1]},{FIRST},often,,", "stated must be present or absent or unsure, found 'often'"),
        (f"{CLIP_IDS[1]},{FIRST},,,", "stated must be present or absent or unsure, found ''"),
        (f"{CLIP_IDS[1]},{FIRST}", "not as many cells as the header"),
        (f"{CLIP_IDS[1]},{FIRST},present,,,,", "not as many cells as the header"),
        ("", "has no rows: no label is in doubt"),
        (f'{CLIP_IDS[1]},"{FIRST}', "is no CSV table in UTF-8"),
    ],
)
def test_broken_issues_are_refused(repository, row, message) -> None:
    write_issues(repository, row)
    with pytest.raises(QuestionError, match=message):
        opened(repository)


def test_issues_of_other_columns_are_refused(repository) -> None:
    write_issues(repository, "x,y", header="clip_id,label")
    with pytest.raises(QuestionError, match="it lacks instrument, stated; it has clip_id, label"):
        opened(repository)


def test_a_proposal_must_be_one(repository) -> None:
    write_issues(repository, f"{CLIP_IDS[1]},{FIRST},present,perhaps", header="clip_id,instrument,stated,proposed")
    with pytest.raises(QuestionError, match="proposed must be present or absent or unsure, found 'perhaps'"):
        opened(repository)


def test_without_issues_clips_are_reviewed_by_their_labels(tmp_path: Path) -> None:
    root = write_repository(tmp_path)
    found = opened(root, Choice(clip_ids=(CLIP_IDS[1], CLIP_IDS[0])))
    assert [(question.pair, question.stated) for question in found.questions] == [
        ((CLIP_IDS[1], THIRD), "present"),
        ((CLIP_IDS[0], FIRST), "present"),
        ((CLIP_IDS[0], SECOND), "absent"),
    ]
    assert {question.proposed for question in found.questions} == {""}


def test_a_split_is_reviewed_whole(tmp_path: Path) -> None:
    root = write_repository(tmp_path)
    found = opened(root, Choice(split="test", every_instrument=True))
    assert [question.pair for question in found.questions] == [
        (clip_id, code) for clip_id in (CLIP_IDS[0], CLIP_IDS[2]) for code in BAND3.codes
    ]
    assert [question.stated for question in found.questions] == ["present", "absent", *["unsure"] * 4]


@pytest.mark.parametrize(
    ("choice", "kind", "message"),
    [
        (Choice(), QuestionError, "label_issues.csv is missing; run `dvc repro audit`, or name what to review"),
        (Choice(clip_ids=("irmas/Part1/bb",)), UnknownClipError, "did you mean 'irmas/Part1/b'"),
        (Choice(clip_ids=(CLIP_IDS[2],)), QuestionError, "ask of all instruments with --every-instrument"),
        (Choice(split="testing"), QuestionError, "no split 'testing'; choose from train, validation, test"),
        (Choice(split="train"), QuestionError, "none of these clips has a label"),
        (Choice(clip_ids=(CLIP_IDS[0],), split="test"), QuestionError, "choose one of them"),
        (Choice(every_instrument=True), QuestionError, "for clips that are named and for a split"),
    ],
)
def test_what_cannot_be_reviewed_says_why(tmp_path: Path, choice, kind, message) -> None:
    with pytest.raises(kind, match=message):
        opened(write_repository(tmp_path), choice)


@pytest.mark.parametrize(
    ("path", "stage"),
    [("labels.csv", "duplicates"), ("taxonomy.json", "duplicates"), ("clips/miniature/irmas/clips.csv", "ingest")],
)
def test_a_missing_table_names_its_stage(repository, path, stage) -> None:
    (repository / "data" / path).unlink()
    with pytest.raises(UserError, match=f"is missing; run `dvc repro {stage}"):
        opened(repository)
