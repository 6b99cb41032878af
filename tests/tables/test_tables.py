import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentarium.tables.schemas import CLIPS, LABELS, REJECTED, SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.table import MissingTableError, Table, TableError
from taxonomies import BAND3, IRMAS11

CODES = IRMAS11.codes
SCORES = scores_table(IRMAS11)
RESOLVED = resolved_labels_table(IRMAS11)
CLIP: dict[str, object] = {
    "clip_id": "irmas/a",
    "corpus": "irmas",
    "recording_id": "irmas/r",
    "path": "folder/a.wav",
    "duration_s": 2.999977,
    "sample_rate_hz": 44100,
    "channels": 2,
    "first_sample": 0,
    "n_samples": 96000,
    "official_split": "train",
    "genre": "cla",
    "drums": "no",
    "licence": "CC BY-NC-SA 3.0",
    "group": "",
    "pcm_hash": "0123456789abcdef" * 2,
}


def clips(*changes: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([CLIP | change for change in changes or ({},)])


def labels(*rows: tuple[str, str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(LABELS.columns))


def test_a_table_is_read_as_it_was_written(tmp_path: Path):
    frame = clips(
        {},
        # text that a reader of CSV could take for a number, for a missing value, or for two cells
        {
            "clip_id": 'irmas/b, "c"\nd',
            "pcm_hash": "0" * 32,
            "genre": "NA",
            "official_split": "",
            "duration_s": 0.1 + 0.2,
        },
        {"clip_id": "irmas/ü", "genre": "", "corpus": "007", "recording_id": "null", "path": " a "},
    )
    CLIPS.write(tmp_path / "clips.csv", frame)
    pd.testing.assert_frame_equal(CLIPS.read(tmp_path / "clips.csv"), CLIPS.check(frame, "here"))


@settings(max_examples=50, deadline=None)
@given(
    rows=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        max_size=5,
    )
)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str]):
    path = tmp_path_factory.mktemp("tables") / "rejected.csv"
    REJECTED.write(path, pd.DataFrame(rows.items(), columns=["path", "reason"]))
    read = REJECTED.read(path)
    assert dict(zip(read["path"], read["reason"], strict=True)) == rows


@settings(max_examples=50, deadline=None)
@given(relevances=st.lists(st.floats(0, 1), min_size=1, max_size=len(CODES)))
def test_any_number_comes_back_exactly(tmp_path_factory: pytest.TempPathFactory, relevances: list[float]):
    path = tmp_path_factory.mktemp("tables") / "labels.csv"
    LABELS.write(path, labels(*[("a", code, value) for code, value in zip(CODES, relevances, strict=False)]))
    assert LABELS.read(path)["relevance"].tolist() == relevances


def test_equal_content_has_equal_bytes(tmp_path: Path):
    frame = labels(("b", "cel", 0.5), ("a", "voi", 1.0), ("a", "cel", 0.1))
    LABELS.write(tmp_path / "one.csv", frame)
    LABELS.write(tmp_path / "two.csv", frame[::-1][["relevance", "clip_id", "label"]])
    LABELS.write(tmp_path / "three.csv", LABELS.read(tmp_path / "one.csv"))
    assert (tmp_path / "one.csv").read_text() == ("clip_id,label,relevance\na,cel,0.1\na,voi,1.0\nb,cel,0.5\n")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize(
    "table", [CLIPS, LABELS, RESOLVED, REJECTED, SPLIT, SCORES], ids=lambda table: f"{table.made_by} {table.name}"
)
def test_a_table_may_be_empty(tmp_path: Path, table: Table):
    table.write(tmp_path / "table.csv", pd.DataFrame(columns=list(table.columns)))
    read = table.read(tmp_path / "table.csv")
    assert list(read.columns) == list(table.columns)
    assert len(read) == 0


def test_types_do_not_depend_on_there_being_rows():
    """A corpus that is left out has empty tables; joined to another's they must not change its columns."""
    full, empty = CLIPS.check(clips(), "full"), CLIPS.check(clips()[:0], "empty")
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    pd.testing.assert_series_equal(full.dtypes, pd.concat([full, empty]).dtypes)
    kinds = {column: dtype.kind for column, dtype in full.dtypes.items()}
    assert {column for column, kind in kinds.items() if kind == "i"} == {
        *("sample_rate_hz", "channels", "first_sample", "n_samples")
    }
    assert kinds["duration_s"] == "f"
    assert LABELS.check(labels(), "empty").dtypes["relevance"].kind == "f"


def test_scores_stand_in_the_order_of_the_taxonomy(tmp_path: Path):
    frame = pd.DataFrame([{**dict.fromkeys(reversed(CODES), 0.25), "clip_id": "a"}])
    SCORES.write(tmp_path / "scores.csv", frame)
    assert (tmp_path / "scores.csv").read_text().splitlines()[0] == ",".join(["clip_id", *CODES])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("clip_id", ""),
        ("corpus", None),
        ("duration_s", 0.0),
        ("duration_s", math.nan),
        ("duration_s", math.inf),
        ("duration_s", "three"),
        ("sample_rate_hz", 0),
        ("channels", 1.5),
        ("first_sample", -1),
        ("n_samples", 0),
        ("official_split", "dev"),
        ("drums", "maybe"),
        ("pcm_hash", "0" * 31),
        ("pcm_hash", "G" * 32),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_its_row(tmp_path: Path, column: str, value: object):
    frame = clips({}, {"clip_id": "irmas/b", column: value})
    with pytest.raises(
        TableError, match=rf"clips\.csv: row 1 \(.*\), column {column}: .*, found .* \(1 such mistakes\)"
    ):
        CLIPS.write(tmp_path / "clips.csv", frame)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", ["sample_rate_hz", "channels", "first_sample", "n_samples"])
@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "9223372036854775808", "1e30", "-" + "9" * 30])
def test_a_number_that_no_column_can_hold_is_refused_in_a_file(tmp_path: Path, column: str, number: str):
    path = tmp_path / "clips.csv"
    CLIPS.write(path, clips({}))
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[0, column] = number
    frame.to_csv(path, index=False)
    with pytest.raises(TableError, match=rf"clips\.csv: row 0 \(.*\), column {column}: "):
        CLIPS.read(path)


@pytest.mark.parametrize("relevance", [-0.001, 1.001, math.nan])
def test_a_relevance_lies_between_none_and_all(relevance: float):
    with pytest.raises(TableError, match=r"row 0 \(a/cel\), column relevance: .*, found"):
        LABELS.check(labels(("a", "cel", relevance)), "labels.csv")


def test_an_instrument_is_one_of_the_taxonomys():
    rows = labels(("a", "cel", 1), ("a", "gui", 1)).rename(columns={"label": "instrument"})
    with pytest.raises(TableError, match=r"row 1 \(a/gui\), column instrument: .*'cel', 'cla'.*found 'gui'"):
        RESOLVED.check(rows, "labels.csv")
    with pytest.raises(TableError, match=r"row 0 \(a/cel\), column instrument: .*'banjo'.*found 'cel'"):
        resolved_labels_table(BAND3).check(rows, "labels.csv")


def test_a_corpus_keeps_its_own_labels():
    assert LABELS.check(labels(("a", "Glass, bowed", 1)), "labels.csv")["label"].tolist() == ["Glass, bowed"]


def test_a_table_with_other_columns_is_named():
    frame = clips().drop(columns=["genre"]).assign(style="x")
    message = (
        r"here is no clips table: missing columns \['genre'\], unknown columns \['style'\]; it must have clip_id, "
    )
    with pytest.raises(TableError, match=message):
        CLIPS.check(frame, "here")


def test_a_key_names_one_row():
    with pytest.raises(TableError, match=r"here: 2 rows repeat the key of an earlier row, first a/cel"):
        LABELS.check(labels(("a", "cel", 1), ("b", "cel", 1), ("a", "cel", 0), ("b", "cel", 1)), "here")


def test_a_broken_table_does_not_replace_a_good_one(tmp_path: Path):
    LABELS.write(tmp_path / "labels.csv", labels(("a", "cel", 1)))
    with pytest.raises(TableError):
        LABELS.write(tmp_path / "labels.csv", labels(("a", "cel", 2)))
    assert LABELS.read(tmp_path / "labels.csv")["relevance"].tolist() == [1.0]


def test_a_missing_table_says_which_stage_makes_it(tmp_path: Path):
    with pytest.raises(MissingTableError, match=r"split\.csv is missing; run `dvc repro split`"):
        SPLIT.read(tmp_path / "split.csv")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'clip_id,split\n"a'])
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(TableError, match=r"split\.csv is (no|not a) (split|CSV) table"):
        SPLIT.read(tmp_path / "split.csv")


def test_a_table_that_breaks_off_is_named(tmp_path: Path):
    SPLIT.write(tmp_path / "split.csv", pd.DataFrame([("a", "train", "r")], columns=list(SPLIT.columns)))
    (tmp_path / "split.csv").write_text((tmp_path / "split.csv").read_text()[:-3])
    with pytest.raises(TableError, match=r"split\.csv: row 0 \(a\), column recording_id"):
        SPLIT.read(tmp_path / "split.csv")


def test_a_table_edited_by_hand_is_checked_when_it_is_read(tmp_path: Path):
    (tmp_path / "split.csv").write_text("clip_id,split,recording_id\na,training,r\n")
    with pytest.raises(
        TableError, match=r"column split: Input should be 'train', 'validation' or 'test', found 'training'"
    ):
        SPLIT.read(tmp_path / "split.csv")
