"""Slakh2100 and MedleyDB: archives in the publishers' layouts; stems become labels of clips of the mix."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pretty_midi
import pytest
import yaml

from instrumentarium.corpora.medleydb import parser as medleydb
from instrumentarium.corpora.medleydb.published import PUBLISHED as MEDLEYDB
from instrumentarium.corpora.slakh import parser as slakh
from instrumentarium.corpora.slakh.published import PUBLISHED as SLAKH
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip

Writer = Callable[..., Path]
Stretches = list[tuple[float, float]]


@pytest.fixture
def mix(tone: Writer, audio: Writer) -> bytes:
    return audio(tone(20.0, rate=8000), 8000, "FLAC")


def clips(source: Source) -> list[SourceClip]:
    found = list(source)
    assert all(isinstance(item, SourceClip) for item in found), found
    return [item for item in found if isinstance(item, SourceClip)]


# Slakh2100: a folder a track, with MIDI files and audio of its stems


def midi(program: int, notes: Stretches, *, drum: bool = False) -> bytes:
    played = pretty_midi.Instrument(program=0 if drum else program, is_drum=drum)
    played.notes = [pretty_midi.Note(100, 60, start, end) for start, end in notes]
    score = pretty_midi.PrettyMIDI()
    score.instruments.append(played)
    content = io.BytesIO()
    score.write(content)
    return content.getvalue()


def stem(program: int) -> dict[str, object]:
    return {"inst_class": "x", "is_drum": program == 128, "program_num": program, "plugin_name": "x.nkm"}


def track(
    folder: str, stems: Mapping[str, int], files: Mapping[str, bytes], mixed: str = "mix.flac"
) -> list[tuple[str, bytes]]:
    """Return a track's files: those given, the audio of every stem but S09, and its metadata, last."""
    metadata = yaml.safe_dump({"UUID": "x", "stems": {name: stem(program) for name, program in stems.items()}})
    sounds = {f"stems/{name}.{mixed.rpartition('.')[2]}": b"never read" for name in stems if name != "S09"}
    every = {**sounds, **files, "all_src.mid": b"never read", "metadata.yaml": metadata.encode()}
    return [(f"{folder}/{name}", data) for name, data in every.items()]


def test_midi_says_what_plays_when_in_the_mix(tmp_path: Path, write_tgz: Writer, mix: bytes):
    stems = {"S00": 30, "S01": 128, "S02": 0, "S03": 73, "S09": 40}
    files = {
        "mix.flac": mix,
        "MIDI/S00.mid": midi(30, [(0.0, 12.0)]),
        "MIDI/S01.mid": midi(0, [(13.0, 13.6)], drum=True),
        "MIDI/S02.mid": midi(0, []),
        "MIDI/S09.mid": midi(40, [(0.0, 20.0)]),
    }
    write_tgz(tmp_path / "slakh2100_flac_redux.tar.gz", track("slakh2100_flac_redux/train/Track00001", stems, files))
    first, second = clips(slakh.read_clips(tmp_path, ["redux"]))
    # S09 has no audio, so it is not in the mix; S03 has no MIDI, so nobody knows when it plays
    assert first.labels == {"73": 0.5, "30": 1.0, "*": 0.0}
    assert second.labels == {"73": 0.5, "30": 1.0, "128": 1.0, "*": 0.0}
    assert first.sounding == (("30", 0.0, 10.0),)
    assert second.sounding == (("128", 3.0, 3.6), ("30", 0.0, 2.0))
    assert (first.recording, first.official_split) == ("Track00001", "train")
    assert first.path == "slakh2100_flac_redux/train/Track00001/mix/0000s.wav"
    assert [SLAKH.part_of(clip) for clip in (first, second)] == ["redux train", None]


def test_tracks_are_parted_and_repeated_ones_left_out(tmp_path: Path, write_tgz: Writer, mix: bytes):
    members = []
    for number, part in enumerate(("omitted", "test", "validation"), start=1):
        files = {"mix.flac": mix, "MIDI/S00.mid": midi(0, [(0.0, 20.0)])}
        members += track(f"slakh2100_flac_redux/{part}/Track0000{number}", {"S00": 0}, files)
    write_tgz(tmp_path / "slakh2100_flac_redux.tar.gz", members)
    omitted, *others = slakh.read_clips(tmp_path, ["redux"])
    assert omitted == Rejection(
        "slakh2100_flac_redux/omitted/Track00001/mix.flac", "its publisher leaves it out: it repeats another track"
    )
    assert SLAKH.part_of(omitted) == "redux omitted"
    assert [item.official_split for item in others] == ["test", "test", "validation", "validation"]


def test_the_small_version_has_wav_and_no_parts(tmp_path: Path, write_tgz: Writer, tone: Writer, audio: Writer):
    files = {"mix.wav": audio(tone(5.0, rate=8000), 8000), "MIDI/S00.mid": midi(24, [(0.0, 5.0)])}
    write_tgz(tmp_path / "babyslakh_16k.tar.gz", track("babyslakh_16k/Track00007", {"S00": 24}, files, "mix.wav"))
    (clip,) = clips(slakh.read_clips(tmp_path, ["baby"]))
    assert (clip.recording, clip.official_split, clip.labels) == ("Track00007", "", {"24": 1.0, "*": 0.0})
    assert SLAKH.part_of(clip) == "baby"


@pytest.mark.parametrize(
    ("stems", "files", "reason"),
    [
        ({"S00": 0}, {}, "there is no mix"),
        (
            {"S00": 200},
            {"mix.flac": b"x"},
            "metadata.yaml or MIDI files cannot be used: stem S00 has program 200; known",
        ),
        (
            {"S00": 0},
            {"mix.flac": b"x", "MIDI/S00.mid": b"no MIDI"},
            "its metadata.yaml or MIDI files cannot be used: ",
        ),
        ({"S00": 0}, {"mix.flac": b"x"}, "not readable as audio: "),
    ],
)
def test_a_track_that_cannot_be_used_is_rejected_alone(
    tmp_path: Path, write_tgz: Writer, mix: bytes, stems: dict[str, int], files: dict[str, bytes], reason: str
):
    good = track("slakh2100_flac_redux/train/Track00002", {"S00": 0}, {"mix.flac": mix})
    bad = track("slakh2100_flac_redux/train/Track00001", stems, files)
    write_tgz(tmp_path / "slakh2100_flac_redux.tar.gz", [*bad, *good])
    rejection, *others = slakh.read_clips(tmp_path, ["redux"])
    assert isinstance(rejection, Rejection)
    assert reason in rejection.reason
    assert len(others) == 2


# MedleyDB: a folder a song; what is said of it lies in another archive


def write_medleydb(
    folder: Path, write_tgz: Writer, write_zip: Writer, songs: Mapping[str, bytes], annotations: Mapping[str, str]
) -> None:
    members = [(f"V1/{song}/{song}_MIX.wav", data) for song, data in songs.items()]
    members += [(f"V1/{song}/{song}_STEMS/{song}_STEM_01.wav", b"never read") for song in songs]
    write_tgz(folder / "MedleyDB_V1.tar.gz", members)
    top = "medleydb-master/medleydb/data"
    write_zip(folder / "medleydb-master.zip", [(f"{top}/{name}", text.encode()) for name, text in annotations.items()])


def metadata(stems: Mapping[str, object], artist: str = "Clara Berry") -> str:
    return yaml.safe_dump(
        {"artist": artist, "genre": "Pop", "stems": {name: {"instrument": each} for name, each in stems.items()}}
    )


def activations(*columns: Stretches) -> str:
    """Return confidences every half second for 20 s: 0.9 within the stretches, 0.2 elsewhere."""
    rows = [",".join(["time", *(f"S0{number}" for number, _ in enumerate(columns, start=1))])]
    for step in range(40):
        values = ["0.9000" if any(a <= step / 2 < b for a, b in stretches) else "0.2000" for stretches in columns]
        rows.append(",".join([f"{step / 2:.4f}", *values]))
    return "\n".join(rows) + "\n"


def test_activations_say_what_plays_when(tmp_path: Path, write_tgz: Writer, write_zip: Writer, mix: bytes):
    stems = {"S01": "drum set", "S02": "female singer", "S03": ["piano", "synthesizer"], "S04": "flute"}
    annotations = {
        "Metadata/A_One_METADATA.yaml": metadata(stems),
        "Annotations/x/A_One_ACTIVATION_CONF.lab": activations([(0, 20)], [(2, 3)], [(0, 20)]),
    }
    write_medleydb(tmp_path, write_tgz, write_zip, {"A_One": mix}, annotations)
    first, second = clips(medleydb.read_clips(tmp_path, ["v1"]))
    unsure = {"piano": 0.5, "synthesizer": 0.5, "flute": 0.5}
    assert first.labels == {**unsure, "drum set": 1.0, "female singer": 1.0, "*": 0.0}
    assert second.labels == {**unsure, "drum set": 1.0, "*": 0.0}
    assert first.sounding == (("drum set", 0.0, 10.0), ("female singer", 2.0, 3.0))
    assert (first.recording, first.genre, first.licence) == ("Clara Berry", "Pop", "CC BY-NC-SA 4.0")
    assert [MEDLEYDB.part_of(clip) for clip in (first, second)] == ["v1", None]


def test_of_a_song_without_activations_nobody_knows_when_its_stems_play(
    tmp_path: Path, write_tgz: Writer, write_zip: Writer, mix: bytes
):
    annotations = {"Metadata/A_One_METADATA.yaml": metadata({"S01": "cello"})}
    write_medleydb(tmp_path, write_tgz, write_zip, {"A_One": mix}, annotations)
    assert [clip.labels for clip in clips(medleydb.read_clips(tmp_path, ["v1"]))] == [{"cello": 0.5, "*": 0.0}] * 2


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({}, "A_Two_METADATA.yaml is missing"),
        ({"A_Two_METADATA.yaml": metadata({"S01": "kazoo"})}, "stem S01 is of unknown instrument 'kazoo'"),
        ({"A_Two_METADATA.yaml": "artist: [x]"}, "artist"),
        (
            {"A_Two_METADATA.yaml": metadata({"S01": "cello"}), "A_Two_ACTIVATION_CONF.lab": "a,b\n"},
            "the activations must begin with a column time; found ['a', 'b']",
        ),
        (
            {"A_Two_METADATA.yaml": metadata({"S01": "cello"}), "A_Two_ACTIVATION_CONF.lab": "time,S01\n0,x\n"},
            "the activations hold something else than numbers",
        ),
        (
            {"A_Two_METADATA.yaml": metadata({"S01": "cello"}), "A_Two_ACTIVATION_CONF.lab": "time,S01\n0\n"},
            "the activations must have a number in every column of each row",
        ),
    ],
)
def test_a_song_whose_annotations_cannot_be_used_is_rejected_alone(
    tmp_path: Path, write_tgz: Writer, write_zip: Writer, mix: bytes, annotations: dict[str, str], reason: str
):
    known = {"A_One_METADATA.yaml": metadata({"S01": "cello"})}
    write_medleydb(tmp_path, write_tgz, write_zip, {"A_One": mix, "A_Two": mix}, {**known, **annotations})
    *others, rejection = medleydb.read_clips(tmp_path, ["v1"])
    assert isinstance(rejection, Rejection)
    assert rejection.reason.startswith("its annotations cannot be used: ")
    assert reason in rejection.reason
    assert len(others) == 2
    assert MEDLEYDB.part_of(rejection) == "v1"
