"""Own data from what the user has to what the pipeline reads: manifest, clips, the two stages."""

import csv
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from decoding.made import by_ffmpeg, notes
from dvc.utils.serialize import modify_yaml

from instrumentarium.corpora.own.card import CARD
from instrumentarium.corpora.own.manifest.contract import MANIFEST
from instrumentarium.corpora.own.manifest.entry import OwnDataError
from instrumentarium.corpora.own.manifest.writing import write_manifest
from instrumentarium.corpora.own.parser import read_clips
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.tables.schemas import CLIPS, EVERY_OTHER, LABELS, REJECTED
from instrumentarium.tables.table import MissingTableError

ROOT = Path(__file__).resolve().parents[3]
OTHERS = {EVERY_OTHER: 0.0}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with a table and three files, in the order that a file system need not keep."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("b.wav", "a.wav", "Gänse.wav"):
        (folder / unicodedata.normalize("NFD", name)).write_bytes(name.encode())
    rows = ["b.wav,cel,band,test", "gone.wav,cel,,", "a.wav,none,,", "Gänse.wav,?,,train"]
    (folder / "t.csv").write_text("\n".join(["path,labels,recording,split", *rows]), encoding="utf-8")
    return folder


def manifest(folder: Path, name: str = "manifest.csv") -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_manifest_says_where_each_file_lies_and_what_it_is(data: Path, tmp_path: Path):
    said = write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path / "out")
    assert said == f"3 files (0 MB) at {data / 't.csv'}, 1 that cannot be used"
    rows = manifest(tmp_path / "out")
    assert list(rows[0]) == ["path", "file", "size", "md5", "recording", "split", "reason"]
    assert [row["path"] for row in rows] == ["Gänse.wav", "a.wav", "b.wav", "gone.wav"]
    geese, a, b, gone = rows
    assert geese["file"] == str(data / unicodedata.normalize("NFD", "Gänse.wav"))
    assert (a["size"], a["md5"]) == ("5", "bc1f9e72d57a81ef6ea2eb0323df6ffd")  # md5sum of the five letters a.wav
    assert (b["recording"], b["split"]) == ("band", "test")
    assert (a["recording"], a["split"]) == ("a", "")
    assert geese["recording"] == "Gänse"
    assert [tuple(row.values()) for row in manifest(tmp_path / "out", "labels.csv")] == [
        ("a.wav", "*", "0.0"),
        ("b.wav", "*", "0.0"),
        ("b.wav", "cel", "1.0"),
    ]
    assert (gone["md5"], gone["reason"]) == ("", "the file is missing")


def test_clips_come_as_the_manifest_lists_them(data: Path, tmp_path: Path):
    write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path / "out")
    assert list(read_clips(tmp_path / "out")) == [
        SourceClip("Gänse.wav", "Gänse.wav".encode(), "Gänse", {}, "train"),
        SourceClip("a.wav", b"a.wav", "a", OTHERS, ""),
        SourceClip("b.wav", b"b.wav", "band", {"cel": 1.0} | OTHERS, "test"),
        Rejection("gone.wav", "the file is missing"),
    ]


def test_below_a_relative_path_or_home_the_manifest_is_the_same_on_every_machine(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written = []
    for machine, path in (
        ("one", "mine/t.csv"),
        ("two", "mine/t.csv"),
        ("one", "~/mine/t.csv"),
        ("two", "~/mine/t.csv"),
    ):
        there = tmp_path / machine
        shutil.copytree(data, there / "mine", dirs_exist_ok=True)
        monkeypatch.chdir(there)
        monkeypatch.setenv("HOME", str(there))
        write_manifest(path, "auto", "negative", there / "out")
        written.append((there / "out" / "manifest.csv").read_bytes())
        assert len(list(read_clips(there / "out"))) == 4
    assert written[0] == written[1] != written[2] == written[3]


def test_a_file_that_changed_is_named_with_the_command_that_accepts_it(data: Path, tmp_path: Path):
    write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path / "out")
    (data / "b.wav").write_bytes(b"c.wav")  # as many bytes
    with pytest.raises(
        ArchiveError,
        match=r"b\.wav has changed since .*: 5 bytes with md5 \w{32} then, 5 bytes with md5 \w{32} now; "
        r"if that is meant, run `dvc repro --force --single-item download@own`, then `dvc repro`$",
    ):
        list(read_clips(tmp_path / "out"))
    (data / "b.wav").unlink()
    with pytest.raises(
        ArchiveError, match=r"b\.wav was there .*cannot be read now \(No such file or directory\); if that"
    ):
        list(read_clips(tmp_path / "out"))


def test_without_a_manifest_the_stage_that_makes_it_is_named(tmp_path: Path):
    with pytest.raises(MissingTableError, match=r"manifest\.csv is missing; run `dvc repro download@own`"):
        list(read_clips(tmp_path))


def test_a_failure_leaves_the_earlier_manifest(data: Path, tmp_path: Path):
    write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path / "out")
    before = manifest(tmp_path / "out")
    (data / "t.csv").write_text("path,labels\na.wav,cel;?\n", encoding="utf-8")
    with pytest.raises(OwnDataError, match="must stand alone"):
        write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path / "out")
    assert manifest(tmp_path / "out") == before


def test_names_that_cannot_be_written_are_kept_with_their_reason(tmp_path: Path):
    folder = tmp_path / "data" / "cel"
    folder.mkdir(parents=True)
    (folder / "a.wav").write_bytes(b"a")
    for number in (0xFE, 0xFF):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + bytes([number]) + b".wav")).write_bytes(b"b")
    write_manifest(str(tmp_path / "data"), "auto", "negative", tmp_path / "out")
    assert [(row["path"], row["reason"]) for row in manifest(tmp_path / "out")] == [
        ("cel/\\xfe.wav", "its name is not UTF-8; rename it"),
        ("cel/\\xff.wav", "its name is not UTF-8; rename it"),
        ("cel/a.wav", ""),
    ]


def test_one_name_in_two_unicode_forms_is_refused(tmp_path: Path):
    for form in ("NFC", "NFD"):
        path = tmp_path / "data" / "cel" / unicodedata.normalize(form, "ä.wav")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a")
    with pytest.raises(
        OwnDataError, match=r"cel/ä\.wav is there twice, in two Unicode forms of the same name; rename one"
    ):
        write_manifest(str(tmp_path / "data"), "auto", "negative", tmp_path / "out")


def test_a_home_that_nobody_has_is_told(tmp_path: Path):
    with pytest.raises(OwnDataError, match=r"^~nobody-of-this-name/t\.csv: .*; write the whole path$"):
        write_manifest("~nobody-of-this-name/t.csv", "auto", "negative", tmp_path)


def test_nothing_is_fetched_for_own_data():
    assert CARD.corpus == "own"
    assert CARD.archives == ()


def test_any_format_is_ingested_and_what_is_none_rejected(
    tmp_path: Path, tone: Callable[..., object], audio: Callable[..., bytes]
):
    folder = tmp_path / "data" / "flu"
    folder.mkdir(parents=True)
    kinds = {
        "wav": ("WAV", "PCM_24"),
        "flac": ("FLAC", "PCM_16"),
        "ogg": ("OGG", "VORBIS"),
        "mp3": ("MP3", "MPEG_LAYER_III"),
    }
    kinds |= {"aif": ("AIFF", "PCM_16"), "w64": ("W64", "FLOAT"), "opus": ("OGG", "OPUS")}
    for suffix, (kind, subtype) in kinds.items():
        (folder / f"{suffix}.{suffix}").write_bytes(audio(tone(channels=2, rate=48000), 48000, kind, subtype))
    (folder / "m4a.m4a").write_bytes(by_ffmpeg(notes(1.0), "mp4", "aac"))
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "song.m4a").write_bytes(b"....")
    write_manifest(str(tmp_path / "data"), "auto", "negative", tmp_path / "out")
    ingest("own", read_clips(tmp_path / "out"), tmp_path / "own", 16000)
    clips, rejected = CLIPS.read(tmp_path / "own" / "clips.csv"), REJECTED.read(tmp_path / "own" / "rejected.csv")
    assert list(clips["clip_id"]) == sorted(f"own/flu/{suffix}" for suffix in [*kinds, "m4a"])
    assert set(clips["recording_id"]) == {f"own/flu/{suffix}" for suffix in [*kinds, "m4a"]}
    assert list(rejected["path"]) == ["flu/broken.wav", "flu/song.m4a"]
    assert "not readable as audio" in rejected["reason"][1]


def example() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8"), re.DOTALL)
    return code


def stage(checkout: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a stage script in `checkout`, outside DVC: it reads the params.yaml there."""
    command = [sys.executable, str(ROOT / "stages" / f"{name}.py"), "own", *words]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the repository's params.yaml and the data of the documents' example, used as there."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    subprocess.run([sys.executable, "-c", example()], cwd=tmp_path, check=True)
    with modify_yaml(tmp_path / "params.yaml") as values:
        values["collections"]["miniature"]["corpora"]["own"].update(use=True, path="data/own-example/labels.csv")
    return tmp_path


def test_the_example_of_the_documents_goes_through_both_stages(checkout: Path):
    assert "own.path=data/own-example/labels.csv" in (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
    download = stage(checkout, "download", "raw", "truth")
    assert download.returncode == 0, download.stderr
    assert "download own: 3 files (1 MB) at data/own-example/labels.csv, 0 that cannot be used" in download.stderr
    ingested = stage(checkout, "ingest", "raw", "clips/own")
    assert ingested.returncode == 0, ingested.stderr
    clips = CLIPS.read(checkout / "clips" / "own" / "clips.csv").set_index("clip_id")
    assert dict(clips["official_split"]) == {"own/bowed": "train", "own/pipe": "test", "own/rain": ""}
    assert dict(clips["recording_id"]) == {"own/bowed": "own/studio", "own/pipe": "own/church", "own/rain": "own/rain"}
    labels = LABELS.read(checkout / "clips" / "own" / "labels.csv")
    assert set(labels[labels["relevance"] == 0]["clip_id"]) == {"own/bowed", "own/pipe", "own/rain"}
    present = labels[labels["relevance"] == 1]
    assert set(zip(present["clip_id"], present["label"], strict=True)) == {
        *(("own/bowed", "cello"), ("own/pipe", "flute"), ("own/pipe", "organ")),
    }

    (checkout / "data/own-example/bowed.wav").write_bytes(b"another take")
    again = stage(checkout, "ingest", "raw", "clips/own")
    assert again.returncode == 1
    assert "data/own-example/bowed.wav has changed since" in again.stderr
    assert "Traceback" not in again.stderr
    assert len(CLIPS.read(checkout / "clips" / "own" / "clips.csv")) == 3, "the earlier tables stay"


def test_mistakes_end_the_download_with_a_message(checkout: Path):
    (checkout / "data/own-example/labels.csv").write_text("path,labels\nbowed.wav,cello;?\n", encoding="utf-8")
    download = stage(checkout, "download", "raw", "truth")
    assert download.returncode == 1
    assert "line 2: '?' must stand alone, found 'cello;?'" in download.stderr
    assert "Traceback" not in download.stderr
    assert not (checkout / "raw" / "manifest.csv").exists()


def test_unused_own_data_give_empty_tables(tmp_path: Path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name, words in (("download", ("raw", "truth")), ("ingest", ("raw", "clips/own"))):
        result = stage(tmp_path, name, *words)
        assert result.returncode == 0, result.stderr
    assert list((tmp_path / "raw").iterdir()) == []
    for table in (CLIPS, LABELS, REJECTED):
        assert len(table.read(tmp_path / "clips" / "own" / f"{table.name}.csv")) == 0


@pytest.mark.parametrize(("column", "value"), [("md5", "0" * 31), ("split", "dev"), ("size", "-1"), ("file", "")])
def test_a_manifest_that_somebody_edited_wrongly_is_refused(data: Path, tmp_path: Path, column: str, value: str):
    from instrumentarium.tables.table import TableError

    write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path)
    frame = MANIFEST.read(tmp_path / "manifest.csv").astype(str)
    frame.loc[0, column] = value
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(TableError, match=rf"row 0 \(Gänse\.wav\), column {column}: "):
        list(read_clips(tmp_path))


def test_a_label_keeps_the_spelling_it_first_had_whatever_differs_in_case_blanks_and_marks(tmp_path: Path):
    (tmp_path / "data").mkdir()
    rows = ("a.wav,Electric Guitar; drums", "b.wav,electric_guitar", "c.wav,DRUMS|electric-guitar", "d.wav,Banjo")
    for row in rows:
        (tmp_path / "data" / row[:5]).write_bytes(b"sound")
    (tmp_path / "data" / "t.csv").write_text("\n".join(["path,labels", *rows]), encoding="utf-8")
    write_manifest(str(tmp_path / "data" / "t.csv"), "auto", "unobserved", tmp_path / "out")
    assert [clip.labels for clip in read_clips(tmp_path / "out")] == [
        {"Electric Guitar": 1.0, "drums": 1.0},
        {"Electric Guitar": 1.0},
        {"Electric Guitar": 1.0, "drums": 1.0},
        {"Banjo": 1.0},
    ]


def test_labels_that_somebody_edited_wrongly_are_refused(data: Path, tmp_path: Path):
    from instrumentarium.tables.table import TableError

    write_manifest(str(data / "t.csv"), "auto", "negative", tmp_path)
    (tmp_path / "labels.csv").write_text("path,label,relevance\nb.wav,cel,2\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"row 0 \(b\.wav/cel\), column relevance: "):
        list(read_clips(tmp_path))
