import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.corpora.own.manifest import spreadsheet
from instrumentarium.corpora.own.manifest.entry import Entry, OwnDataError
from instrumentarium.corpora.own.manifest.table import entries_of_table
from instrumentarium.corpora.own.params import Absent
from instrumentarium.tables.schemas import EVERY_OTHER

Writer = Callable[..., Path]
NOTHING = {EVERY_OTHER: False}
CELLO = {"cel": True, **NOTHING}


@pytest.fixture
def table(tmp_path: Path) -> Writer:
    """Return a writer of tables; a.wav, b.wav and sub/c.wav lie beside them."""
    for name in ("a.wav", "b.wav", "sub/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"sound")

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path, absent: Absent = "negative") -> str:
    with pytest.raises(OwnDataError) as error:
        entries_of_table(path, absent)
    return str(error.value)


def mistakes(path: Path) -> list[str]:
    first, *others = refusal(path).splitlines()
    assert first == f"{path} cannot be used as it is:"
    return [line.strip() for line in others]


def test_a_table_with_a_column_of_labels(table: Writer):
    path = table("path,labels,recording,split\na.wav,cel,one,train\nb.wav,none,,\nsub/c.wav,?,two,Validation\n")
    assert entries_of_table(path, "negative") == [
        Entry("a.wav", CELLO, "one", "train"),
        Entry("b.wav", NOTHING),
        Entry("sub/c.wav", {}, "two", "validation"),
    ]


def test_a_table_with_a_column_an_instrument(table: Writer):
    path = table("Path,cel,Singing Voice\na.wav,1,0\nb.wav,,1\nsub/c.wav,0.0,1.0\n")
    for absent in ("negative", "unobserved"):  # it says itself what is absent
        assert [entry.labels for entry in entries_of_table(path, absent)] == [
            {"cel": True, "Singing Voice": False},
            {"Singing Voice": True},
            {"cel": False, "Singing Voice": True},
        ]


def test_an_empty_cell_of_labels_is_a_negative_or_unknown_as_absent_says(table: Writer):
    path = table("path,labels\na.wav,\n")
    assert entries_of_table(path, "negative") == [Entry("a.wav", NOTHING)]
    assert entries_of_table(path, "unobserved") == [Entry("a.wav", {})]


LINES = ["path;labels;split", "a.wav;cel;train", "b.wav;cel;test"]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(LINES),
        "\r\n".join(LINES) + "\r\n",
        "\ufeff" + "\r\n".join(LINES) + "\r\n",
        "\n".join(LINES).replace(";", ","),
        "\n".join(LINES).replace(";", "\t"),
        "\n".join([*LINES, ";;", "", " ; ;"]) + "\n",
        "\n".join(f"{line};;" for line in LINES),
        '"path";"labels";"split"\n"a.wav";"cel";"train"\n"b.wav";"cel";"test"\n',
        " path ; labels;split \na.wav ;cel; train\n b.wav; cel ;test\n",
        "\n" + "\n".join(LINES),
    ],
    ids=["lf", "crlf", "bom", "commas", "tabs", "empty lines", "empty columns", "quoted", "blanks", "late header"],
)
def test_what_spreadsheets_write_is_read_alike(table: Writer, content: str):
    assert entries_of_table(table(content), "negative") == [
        Entry("a.wav", CELLO, split="train"),
        Entry("b.wav", CELLO, split="test"),
    ]


def test_other_columns_are_notes(table: Writer):
    path = table('path,labels,source,licence,take\na.wav,cel,"field, indoors",CC0,1\n')
    assert entries_of_table(path, "negative") == [Entry("a.wav", CELLO)]


def test_a_path_may_be_absolute_and_take_detours(table: Writer, tmp_path: Path):
    path = table(f"path,labels\n{tmp_path / 'a.wav'},cel\nsub/../b.wav,cel\n./sub//c.wav,cel\n")
    assert [entry.path for entry in entries_of_table(path, "negative")] == ["a.wav", "b.wav", "sub/c.wav"]


def test_a_path_may_lead_out_of_the_tables_folder(table: Writer, tmp_path: Path):
    (tmp_path / "sub" / "table.csv").write_text(f"path,labels\n../a.wav,cel\n{tmp_path / 'b.wav'},cel\n")
    entries = entries_of_table(tmp_path / "sub" / "table.csv", "negative")
    assert [(entry.path, entry.reason) for entry in entries] == [("../a.wav", ""), (str(tmp_path / "b.wav"), "")]


@pytest.mark.parametrize("again", ["{folder}/a.wav", "sub/../a.wav", "../{name}/a.wav", "loop/a.wav"])
def test_a_file_stands_once_whatever_way_leads_to_it(
    table: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
):
    again = again.format(folder=tmp_path, name=tmp_path.name)
    table(f"path,labels\na.wav,cel\n{again},pia\n")
    (tmp_path / "loop").symlink_to(".")
    monkeypatch.chdir(tmp_path / "sub")
    assert re.fullmatch(
        r"line 3: .*a\.wav stands in line 2 already; keep one of them", mistakes(Path("../table.csv"))[0]
    )


def test_two_links_to_one_file_are_two_files(table: Writer, tmp_path: Path):
    for name in ("one.wav", "two.wav"):  # as git-annex keeps files of equal content
        (tmp_path / name).symlink_to("a.wav")
    path = table("path,labels\none.wav,cel\ntwo.wav,cel\n")
    assert [entry.path for entry in entries_of_table(path, "negative")] == ["one.wav", "two.wav"]


def test_a_path_may_come_from_another_system(table: Writer, tmp_path: Path):
    decomposed = unicodedata.normalize("NFD", "Gänse.wav")
    (tmp_path / decomposed).write_bytes(b"sound")
    path = table("path,labels\nsub\\c.wav,cel\nGänse.wav,cel\n")
    assert [entry.path for entry in entries_of_table(path, "negative")] == ["sub/c.wav", decomposed]


def test_what_is_no_file_is_kept_with_its_reason(table: Writer):
    path = table(f"path,labels\na.wav,cel\ngone.wav,cel\nsub,cel\n{'x' * 300}.wav,cel\n")
    assert [entry.reason for entry in entries_of_table(path, "negative")] == [
        *("", "the file is missing", "it is a folder, not a file"),
        "it cannot be read: File name too long",
    ]


def test_a_table_none_of_whose_files_is_there_has_the_wrong_paths(table: Writer, tmp_path: Path):
    text = refusal(table("path,labels\nx/a.wav,cel\nx/b.wav,cel\n"))
    assert text.endswith(
        f"none of its 2 files is there, first x/a.wav; paths start from the table's folder, {tmp_path}"
    )


def test_rows_of_a_recording_follow_the_one_that_states_its_split(table: Writer):
    path = table("path,labels,recording,split\na.wav,cel,one,\nb.wav,cel,one,test\nsub/c.wav,cel,,\n")
    assert [entry.split for entry in entries_of_table(path, "negative")] == ["test", "test", ""]


def test_a_recording_cannot_be_in_two_splits(table: Writer):
    path = table("path,labels,recording,split\na.wav,cel,one,train\nb.wav,cel,one,test\nsub/c.wav,cel,two,test\n")
    assert mistakes(path) == ["recording 'one' is in test and train; a recording can be in one split only"]


def test_all_wrong_cells_are_told_with_their_lines(table: Writer):
    path = table("path,cel,split\na.wav,yes,train\nb.wav,1,dev\n,0,\nsub/c.wav,2,\n")
    assert mistakes(path) == [
        "line 2: cel is 'yes'; allowed: 1 (plays), 0 (doesn't), or empty (nobody knows)",
        "line 3: split is 'dev'; allowed: train, validation, test, or empty: the pipeline chooses",
        "line 4: its path is empty",
        "line 5: cel is '2'; allowed: 1 (plays), 0 (doesn't), or empty (nobody knows)",
    ]


def test_of_many_mistakes_ten_are_told(table: Writer):
    path = table("path,labels\n" + "".join(f"{number}.wav,drum;?\n" for number in range(13)))
    reported = mistakes(path)
    assert len(reported) == 11
    assert reported[-1] == "and 3 more"


def test_a_line_with_several_mistakes_tells_them_all(table: Writer):
    assert len(mistakes(table("path,labels,split\n,drum;?,dev\n"))) == 3


def test_a_file_stands_once(table: Writer):
    path = table("path,labels\na.wav,cel\nb.wav,cel\n./a.wav,vio\n")
    assert mistakes(path) == ["line 4: a.wav stands in line 2 already; keep one of them"]


@pytest.mark.parametrize(
    ("header", "row", "text"),
    [
        (
            "path,labels,cel",
            "a.wav,cel,1",
            r"it has a column `labels` and columns for instruments \(cel\); keep one",
        ),
        ("path,source", "a.wav,me", r"it needs a column `labels`, or a column an instrument, .*; found path, source$"),
        ("path,cel,Cel", "a.wav,1,0", r"column 'cel' stands 2 times"),
        ("path,labels,labels", "a.wav,cel,vio", r"column 'labels' stands 2 times"),
        ("path,label", "a.wav,cel", r"unknown column 'label'; did you mean 'labels'\? Rename it, if it is but a note$"),
        ("path,cel,recording s", "a.wav,1,note", r"unknown column 'recording s'; did you mean 'recording'\?"),
        ("path,cel,none", "a.wav,1,0", r"column 'none' cannot be an instrument's; leave it out"),
        ("path,labels,recordings", "a.wav,cel,one", r"unknown column 'recordings'; did you mean 'recording'\?"),
        ("path,labels,", "a.wav,cel,1", r"column 3 has no name"),
        ("path,labels", "a.wav,cel,vio", r"line 2 has 3 cells, the header 2; quote cells that hold a separator"),
        ("path,labels,split", "a.wav,cel", r"line 2 has 2 cells, the header 3"),
    ],
)
def test_columns_that_contradict_or_are_not_known_are_refused(table: Writer, header: str, row: str, text: str):
    (reported, *_) = mistakes(table(f"{header}\n{row}\n"))
    assert re.search(text, reported), reported


def test_a_note_of_ones_and_zeros_is_a_note_beside_labels(table: Writer):
    assert entries_of_table(table("path,labels,checked\na.wav,cel,1\n"), "negative") == [Entry("a.wav", CELLO)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "needs a column `path`, and its first line names none: ''"),
        ("file,labels\na.wav,cel\n", "needs a column `path`, and its first line names none: 'file,labels'"),
        ("path,labels\n", "holds no rows; it needs a header with `path` and a row a file"),
        (
            "path,labels\nä.wav,cel\n".encode("latin-1"),
            "is not UTF-8 (line 2: invalid continuation byte); save it as CSV",
        ),
        (
            "path,labels\na.wav,cel\n".encode("utf-16"),
            "is not UTF-8 (line 1: invalid start byte); save it as CSV UTF-8",
        ),
        ("path,labels\na.wav,\0cel\n", "is no text file; save the table as CSV UTF-8"),
        ('path,labels\n"a.wav,cel\n', "line 2: unexpected end of data; look for an unpaired quotation mark"),
    ],
)
def test_what_is_no_table_is_refused(table: Writer, content: str | bytes, text: str):
    assert text in refusal(table(content))


def test_any_column_of_ones_and_zeros_is_an_instruments_and_others_are_notes(table: Writer):
    path = table("path,Banjo,steel drums,take,rating\na.wav,1,0,first,3\nb.wav,0,,second,1\nsub/c.wav,,1,third,5\n")
    assert [entry.labels for entry in entries_of_table(path, "negative")] == [
        {"Banjo": True, "steel drums": False},
        {"Banjo": False},
        {"steel drums": True},
    ]


def test_a_table_of_endless_bytes_is_refused_before_it_is_parsed(table: Writer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spreadsheet, "TABLE_BYTES", 20)
    path = table("path,labels\na.wav,cel\n")
    with pytest.raises(OwnDataError, match=r"has more than .* MiB, too much for a table of files"):
        entries_of_table(path, "negative")
