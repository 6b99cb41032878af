import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from instrumentarium.corpora.own.manifest.entry import Entry, OwnDataError
from instrumentarium.corpora.own.manifest.forms import read_entries
from instrumentarium.corpora.source.archives import LABEL_BYTES
from instrumentarium.tables.schemas import EVERY_OTHER

Maker = Callable[[Mapping[str, str]], Path]
NOTHING = {EVERY_OTHER: False}


def only(*playing: str) -> dict[str, bool]:
    return {**dict.fromkeys(playing, True), **NOTHING}


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """Return a maker of a folder of files, by path."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "data"

    return write


def by_path(entries: list[Entry]) -> dict[str, Entry]:
    assert [entry.path for entry in entries] == sorted(entry.path for entry in entries)
    return {entry.path: entry for entry in entries}


def refusal(where: Path, form="auto") -> str:
    with pytest.raises(OwnDataError) as error:
        read_entries(where, form, "negative")
    return str(error.value)


def test_a_folder_for_every_class(make: Maker):
    names = ("cello/a.wav", "Acoustic Guitar/session 1/b.FLAC", "cel+vio/c.ogg", "none/d.mp3", "none/rain/e.wav")
    root = make(dict.fromkeys(names, ""))
    found = by_path(read_entries(root, "auto", "negative"))
    assert {path: entry.labels for path, entry in found.items()} == {
        "cello/a.wav": only("cello"),
        "Acoustic Guitar/session 1/b.FLAC": only("Acoustic Guitar"),
        "cel+vio/c.ogg": only("cel", "vio"),
        "none/d.mp3": NOTHING,
        "none/rain/e.wav": NOTHING,
    }
    assert {entry.recording for entry in found.values()} == {""}
    assert {entry.reason for entry in found.values()} == {""}


def test_class_folders_say_of_others_what_absent_says(make: Maker):
    root = make({"cel/a.wav": "", "negatives/b.wav": ""})
    found = by_path(read_entries(root, "auto", "unobserved"))
    assert found["cel/a.wav"].labels == {"cel": True}
    assert found["negatives/b.wav"].labels == NOTHING


def test_what_is_no_audio_in_no_class_is_kept_with_its_reason_and_hidden_files_are_not_looked_at(make: Maker):
    names = ("cel/a.wav", "cel/b.m4a", "cel/cover.jpg", "cel/notes", "c.wav", ".DS_Store", "cel/._a.wav", ".git/d.wav")
    found = by_path(read_entries(make(dict.fromkeys(names, "")), "auto", "negative"))
    assert {path: entry.reason for path, entry in found.items()} == {
        "cel/a.wav": "",
        "cel/b.m4a": "",
        "cel/cover.jpg": "no audio file by its name: it ends with '.jpg'",
        "cel/notes": "no audio file by its name",
        "c.wav": "it lies in no instrument's folder",
    }


def test_a_class_folder_whose_name_contradicts_itself_is_refused(make: Maker):
    text = refusal(make({"cello/a.wav": "", "none, drums/b.wav": ""}))
    assert text.endswith("\n  folder none, drums: 'none' must stand alone, found 'none, drums'")


def test_links_are_followed_once(make: Maker, tmp_path: Path):
    root = make({"cel/a.wav": ""})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.wav").write_text("")
    (root / "vio").symlink_to(tmp_path / "elsewhere")
    (root / "cel" / "loop").symlink_to(root)
    assert set(by_path(read_entries(root, "auto", "negative"))) == {"cel/a.wav", "vio/b.wav"}


def test_audio_with_a_text_each(make: Maker):
    files = {"Part1/song-1.wav": "", "Part1/song-1.txt": "cel\t\nvoi\t\n", "Part1/song-2.wav": ""}
    files |= {
        "Part1/song-2.txt": "\ufeffvoi\r\n",
        "take.flac": "",
        "take.txt": "none\n",
        "none.wav": "",
        "none.txt": "?",
    }
    assert read_entries(make(files), "auto", "negative") == [
        Entry("Part1/song-1.wav", only("cel", "voi"), "Part1/song"),
        Entry("Part1/song-2.wav", only("voi"), "Part1/song"),
        Entry("none.wav", {}, "none"),
        Entry("take.flac", NOTHING, "take"),
    ]


def test_text_or_audio_alone_is_kept_with_its_reason(make: Maker):
    files = {"a.wav": "", "a.txt": "cel", "b.wav": "", "c.txt": "cel", "d.wav": "", "d.txt": " \n", "e.pdf": ""}
    found = by_path(read_entries(make(files), "auto", "negative"))
    assert {path: entry.reason for path, entry in found.items()} == {
        "a.wav": "",
        "b.wav": "audio without label file: there is no .txt of this name",
        "c.txt": "label file without audio: there is no audio file of this name",
        "d.wav": "its label file is empty; write `none` into it if no instrument plays",
        "e.pdf": "no audio file by its name: it ends with '.pdf'",
    }


def test_a_text_that_is_too_long_for_a_list_is_told(make: Maker):
    root = make({"a.wav": "", "a.txt": "cel," * (LABEL_BYTES // 4) + "cla", "b.wav": "", "b.txt": "cel"})
    assert "a.txt: it has more than 1048576 bytes, too many for a list of instruments" in refusal(root)


def test_wrong_texts_are_told_together(make: Maker):
    root = make({"a.wav": "", "a.txt": "cel ?, none", "b.wav": "", "c.wav": "", "c.txt": "cel"})
    (root / "b.txt").write_bytes(b"\xff\xfec\0e\0l\0")
    text = refusal(root)
    assert re.search(r"\n  a\.txt: 'none' must stand alone, found 'cel \?, none'\n  b\.txt: no UTF-8 text", text)


def test_a_table_is_known_by_its_name_or_because_it_is_said(make: Maker):
    root = make({"t.csv": "path,labels\na.wav,cel\n", "t.dat": "path,labels\na.wav,cel\n", "a.wav": ""})
    assert read_entries(root / "t.csv", "auto", "negative") == read_entries(root / "t.dat", "table", "negative")
    assert "is a file, but no table by its name (.csv, .tsv)" in refusal(root / "t.dat")
    assert "is a file, but no table by its name" in refusal(root / "a.wav")


@pytest.mark.parametrize(
    ("files", "text"),
    [
        (
            ["cel/a.wav", "t.csv"],
            r"a table \(t\.csv\) and folders of instruments \(cel\); say which counts, with `path: .*",
        ),
        (
            ["cel/a.wav", "cel/a.txt"],
            r"folders of instruments \(cel\) and text .*, with `form: folders` or `form: texts`$",
        ),
        (["a.wav", "t.csv"], r"holds a table \(t\.csv\); say which counts, with `path: .*/data/t\.csv`$"),
        (
            ["songs/a.txt", "more/b.pdf"],
            r"is none of the known forms: .*Found 2 files in it, and the folders more, songs$",
        ),
        (["a.wav"], r"is none of the known forms: .*Found 1 files in it, and the folders \(none\)$"),
    ],
)
def test_a_form_that_cannot_be_told_is_asked_for(make: Maker, files: list[str], text: str):
    assert re.search(text, refusal(make(dict.fromkeys(files, "cel"))))


def test_a_form_that_is_said_counts(make: Maker):
    root = make({"cel/a.wav": "", "cel/a.txt": "vio"})
    assert by_path(read_entries(root, "folders", "negative"))["cel/a.wav"].labels == only("cel")
    assert by_path(read_entries(root, "texts", "negative"))["cel/a.wav"].labels == only("vio")


def test_a_form_that_cannot_be_is_refused(make: Maker):
    root = make({"cel/a.wav": "", "t.csv": ""})
    assert "form is `table`, and" in refusal(root, "table")
    assert "form is `texts`, and" in refusal(root / "t.csv", "texts")
    assert "holds no audio with labels among its 2 files" in refusal(root, "texts")


def test_nothing_there_is_told_with_the_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    text = refusal(Path("nowhere/t.csv"))
    assert text.startswith(
        f"your own data are not there: {tmp_path / 'nowhere/t.csv'} does not exist; `path` must be a CSV"
    )
    assert "queued experiment" in text


def test_beside_texts_a_folder_is_a_class_only_if_the_texts_name_it(make: Maker):
    root = make({"album/a.wav": "", "album/a.txt": "cel", "vio/b.wav": "", "vio/b.txt": "cel"})
    assert by_path(read_entries(root, "auto", "negative"))["vio/b.wav"].labels == only("cel")
    (root / "album" / "a.txt").write_text("VIO", encoding="utf-8")
    assert re.search(r"folders of instruments \(vio\) and text files", refusal(root))
