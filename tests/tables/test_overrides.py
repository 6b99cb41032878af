"""The file of overrides: read, checked, written; errors name lines."""

from pathlib import Path

import pytest

from instrumentarium.tables.overrides import (
    Override,
    OverrideError,
    check_overrides,
    overrides_file,
    read_overrides,
    write_overrides,
)

HEADER = "clip_id,instrument,relevance,source,note\n"


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "mine.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_rows_are_read_in_the_order_of_clips_and_instruments(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + 'b/2,pia,0,me,"no piano, a harp"\na/1,gel,,guitars,\na/1,cel,0.75,me,\n')
    assert read_overrides(path) == (
        Override("a/1", "cel", 0.75, "me"),
        Override("a/1", "gel", None, "guitars"),
        Override("b/2", "pia", 0.0, "me", "no piano, a harp"),
    )


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    # a byte order mark, CRLF, columns in another order, a decomposed accent, an empty line at the end
    text = "note,source,relevance,instrument,clip_id\r\n,me,1,voi,a/cafe\u0301\r\n\r\n"
    assert read_overrides(written(tmp_path, text, "utf-8-sig")) == (Override("a/caf\u00e9", "voi", 1.0, "me"),)


def test_what_is_written_is_read_back_and_its_bytes_do_not_depend_on_the_order(tmp_path: Path) -> None:
    rows = [
        Override("b", "pia", 1 / 3, "me", 'two\nlines, "quoted"'),
        Override("a", "cel", None),
        Override("a", "b", 1.0),
    ]
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    write_overrides(one, rows)
    write_overrides(two, reversed(rows), durable=True)
    assert one.read_bytes() == two.read_bytes()
    assert read_overrides(one) == tuple(sorted(rows, key=lambda row: (row.clip_id, row.instrument)))
    assert [row.line for row in read_overrides(one)] == [2, 3, 5]  # the note of the last one has two lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has the columns \(none\); it must have clip_id, instrument"),
        ("clip_id,instrument,relevance\n", "has the columns clip_id, instrument, relevance; it must have"),
        (HEADER + "a,cel,1.5,,\n", r"line 2: relevance must be a number from 0 to 1.*found '1.5'"),
        (HEADER + "a,cel,nan,,\n", r"line 2: relevance must be a number.*found 'nan'"),
        (HEADER + "a,cel,yes,,\n", r"line 2: relevance must be a number.*found 'yes'"),
        (HEADER + "a,cel,1,,\nb,,1,,\n", "line 3: instrument is empty"),
        (HEADER + ",cel,1,,\n", "line 2: clip_id is empty"),
        (HEADER + "a,cel,1\n", "line 2: has 3 cells where the header has 5"),
        (HEADER + "a,cel,1,,\n\na,pia,1,,\na,cel,0,,\n", "line 5: 'a', 'cel' stands in line 2 already"),
        (HEADER + 'a,cel,1,"open\n', "is no CSV table"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OverrideError, match=message):
        read_overrides(written(tmp_path, text))


def test_all_mistakes_are_named_at_once_up_to_twenty(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "".join(f"clip{number},cel,2,,\n" for number in range(25)))
    with pytest.raises(OverrideError, match=r"line 21: .*\n  and 5 more$"):
        read_overrides(path)


def test_a_missing_file_and_one_that_is_no_text_are_errors(tmp_path: Path) -> None:
    with pytest.raises(OverrideError, match="is missing"):
        read_overrides(tmp_path / "none.csv")
    with pytest.raises(OverrideError, match=r"no text in UTF-8 \(byte 0\)"):
        read_overrides(written(tmp_path, HEADER, "utf-16"))


def test_clips_and_instruments_must_be_those_of_the_run(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "z,cel,1,,\na,harp,1,,\na,cel,1,,\n")
    overrides = read_overrides(path)
    check_overrides(path, overrides, {"a", "z"}, ["cel", "harp"])
    with pytest.raises(
        OverrideError, match="line 2: no corpus in use has the clip 'z'\n  line 3: 'harp' is no instrument"
    ):
        check_overrides(path, overrides, {"a"}, ["cel", "pia"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([Override("a", "cel", 1.5)], "'a', 'cel': relevance must be"),
        ([Override("a", "cel", float("nan"))], "relevance must be"),
        ([Override("", "cel", 1.0)], "clip_id is empty"),
        ([Override("a", "cel", 1.0), Override("a", "cel", 0.0)], "'a', 'cel' occurs twice"),
    ],
)
def test_nothing_is_written_that_could_not_be_read(rows: list[Override], message: str, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER)
    with pytest.raises(OverrideError, match=message):
        write_overrides(path, rows)
    assert path.read_text() == HEADER


def test_the_parameter_names_a_file_of_the_folder(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER)
    assert overrides_file(tmp_path, "mine.csv") == path
    for name in ("yours.csv", "../mine.csv", str(path)):
        with pytest.raises(OverrideError, match=r"labels.overrides is .*mine.csv; put the file there"):
            overrides_file(tmp_path, name)
    with pytest.raises(OverrideError, match="no CSV file"):
        overrides_file(tmp_path / "none", "mine.csv")
