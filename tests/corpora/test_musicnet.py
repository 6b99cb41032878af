"""MusicNet: archives in the publisher's layout; notes become labels of clips, and a table of what sounds when."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from instrumentarium.corpora.musicnet.card import CARD
from instrumentarium.corpora.musicnet.parser import read_clips
from instrumentarium.corpora.musicnet.published import PUBLISHED
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.ingestion.ingest import SOUNDING_FILE, ingest
from instrumentarium.tables.schemas import CLIPS, LABELS, SOUNDING

Writer = Callable[..., Path]
HEADER = "start_time,end_time,instrument,note,start_beat,end_beat,note_value"
PIECES = "id,composer,composition,movement,ensemble,source,transcriber,catalog_name,seconds"
QUINTET = "Schubert,Piano Quintet in A major"


def note(start_s: float, end_s: float, instrument: int) -> str:
    return f"{round(start_s * 44100)},{round(end_s * 44100)},{instrument},60,4.0,1.5,Dotted Quarter"


def write_musicnet(
    write_tgz: Writer, folder: Path, audio: Mapping[str, bytes], notes: Mapping[str, list[str]], pieces: list[str]
) -> None:
    """Write an archive: audio and notes by `<part>/<id>`; the notes after the audio, as nobody promises another order."""
    members = [(f"musicnet/{part}_data/{piece}.wav", audio[f"{part}/{piece}"]) for part, piece in map(_split, audio)]
    members += [
        (f"musicnet/{part}_labels/{piece}.csv", ("\n".join([HEADER, *notes[f"{part}/{piece}"]]) + "\n").encode())
        for part, piece in map(_split, notes)
    ]
    write_tgz(folder / "musicnet.tar.gz", members)
    (folder / "musicnet_metadata.csv").write_text("\n".join([PIECES, *pieces]) + "\n", encoding="utf-8")


def _split(key: str) -> tuple[str, str]:
    part, _, piece = key.partition("/")
    return part, piece


@pytest.fixture
def music(tone: Writer, audio: Writer) -> bytes:
    return audio(tone(24.0, rate=8000), 8000, subtype="FLOAT")


def test_notes_are_labels_of_clips_and_say_what_sounds_when(tmp_path: Path, write_tgz: Writer, music: bytes):
    notes = [note(0, 9, 1), note(8, 12, 41), note(20.9, 21.1, 43), note(18, 30, 1)]
    pieces = [f"1727,{QUINTET},2. Andante,Piano Quintet,European Archive,http://x,OP114,447"]
    write_musicnet(write_tgz, tmp_path, {"train/1727": music}, {"train/1727": notes}, pieces)
    result = ingest("musicnet", read_clips(tmp_path), tmp_path / "out", 8000, card=CARD.facts(used=True))
    assert result.summary().startswith("2 members in; 2 clips of 1 recordings (24 s) and ")
    clips = CLIPS.read(tmp_path / "out" / "clips.csv")
    assert clips["clip_id"].tolist() == [f"musicnet/musicnet/train_data/1727/{start}s" for start in ("0000", "0010")]
    assert clips["duration_s"].tolist() == [10.0, 14.0]
    assert set(clips["recording_id"]) == {"musicnet/Schubert Piano Quintet in A major Piano Quintet European Archive"}
    first, second = clips["clip_id"]
    labels = LABELS.read(tmp_path / "out" / "labels.csv")
    assert dict(zip(zip(labels["clip_id"], labels["label"], strict=True), labels["relevance"], strict=True)) == {
        (first, "1"): 1.0,
        (first, "41"): 1.0,
        (first, "*"): 0.0,
        (second, "1"): 1.0,
        (second, "41"): 1.0,
        (second, "43"): 0.5,
        (second, "*"): 0.0,
    }
    sounding = SOUNDING.read(tmp_path / "out" / "samples" / SOUNDING_FILE)
    assert sounding.to_numpy().tolist() == [
        [first, "1", 0.0, 9.0],
        [first, "41", 8.0, 10.0],
        [second, "1", 8.0, 14.0],
        [second, "41", 0.0, 2.0],
        [second, "43", 10.9, 11.1],
    ]
    assert [PUBLISHED.part_of(clip) for clip in read_clips(tmp_path)] == ["train", None]


def test_movements_of_one_source_are_one_recording_and_test_pieces_are_their_own(
    tmp_path: Path, write_tgz: Writer, tone: Writer, audio: Writer
):
    short = audio(tone(1.0, rate=8000), 8000)
    keys = ["train/1", "train/2", "train/3", "test/4"]
    pieces = [
        f"{number},{QUINTET},{number}.,Quintet,{source},,," for number, source in zip("1234", "AABA", strict=True)
    ]
    write_musicnet(write_tgz, tmp_path, dict.fromkeys(keys, short), {key: [note(0, 1, 1)] for key in keys}, pieces)
    found = {clip.path.split("/")[2]: clip for clip in read_clips(tmp_path) if isinstance(clip, SourceClip)}
    assert found["1"].recording == found["2"].recording != found["3"].recording
    assert (found["4"].recording, found["4"].official_split) == ("4", "test")


def test_what_cannot_be_used_is_rejected_alone(tmp_path: Path, write_tgz: Writer, tone: Writer, audio: Writer):
    short = audio(tone(1.0, rate=8000), 8000)
    notes = {
        "train/1": [note(0, 1, 99)],
        "train/2": ["a,b,1,60"],
        "train/3": [note(1, 0.5, 1)],
        "train/5": [note(0, 1, 1)],
        "train/6": [note(0, 1, 1)],
        "train/7": [note(0, 1, 1)],
    }
    sound = {f"train/{number}": short for number in (1, 2, 3, 4, 5)} | {"train/6": b"noise"}
    pieces = [f"{number},a,b,c,d,e,,," for number in (1, 2, 3, 4, 6, 7)]
    write_musicnet(write_tgz, tmp_path, sound, notes, pieces)
    found = {item.path.rpartition("/")[2]: item.reason for item in read_clips(tmp_path) if isinstance(item, Rejection)}
    assert found.pop("1.wav").startswith("its notes cannot be used: unknown instrument '99'; known: 1, 7, 41")
    assert found.pop("2.wav").startswith("its notes cannot be used: could not convert string to float")
    assert found.pop("3.wav") == "its notes cannot be used: a note sounds from sample 44100 to 22050"
    assert found.pop("4.wav") == "audio without notes: there is no table of this name"
    assert found.pop("5.wav").startswith("musicnet_metadata.csv does not name it")
    assert found.pop("6.wav").startswith("not readable as audio: ")
    assert found == {"7.wav": "notes without audio: the archive has no such file"}


def test_without_its_table_of_pieces_nothing_is_read(tmp_path: Path):
    with pytest.raises(ArchiveError, match=r"musicnet_metadata\.csv is missing; run `dvc repro download@musicnet`"):
        list(read_clips(tmp_path))
