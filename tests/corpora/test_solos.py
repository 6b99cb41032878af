"""Corpora of notes and phrases of single instruments: Medley-solos-DB, TinySOL, good-sounds, the Philharmonia samples."""

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from instrumentarium.corpora.good_sounds import parser as good_sounds
from instrumentarium.corpora.medley_solos import parser as medley_solos
from instrumentarium.corpora.medley_solos.published import PUBLISHED as MEDLEY_SOLOS
from instrumentarium.corpora.philharmonia import parser as philharmonia
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip
from instrumentarium.corpora.tinysol import parser as tinysol
from instrumentarium.corpora.tinysol.published import MEANINGS as TINYSOL_INSTRUMENTS
from instrumentarium.corpora.tinysol.published import PUBLISHED as TINYSOL

Writer = Callable[..., Path]
UUIDS = [f"0e4371ac-1c6a-51ab-fdb7-f8abd5fbf1a{number}" for number in range(4)]


def reasons(source: Source) -> dict[str, str]:
    return {item.path: item.reason for item in source if isinstance(item, Rejection)}


def clips(source: Source) -> list[SourceClip]:
    return [item for item in source if isinstance(item, SourceClip)]


# Medley-solos-DB: clips without a folder in the archive, their table beside it


def write_medley(folder: Path, write_tgz: Writer, names: Iterable[str], rows: Iterable[str], header: str = "") -> Path:
    write_tgz(folder / "Medley-solos-DB.tar.gz", [(name, name.encode()) for name in names])
    header = header or "subset,instrument,instrument_id,song_id,uuid4"
    (folder / "Medley-solos-DB_metadata.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def medley_name(subset: str, instrument: int, uuid: str) -> str:
    return f"Medley-solos-DB_{subset}-{instrument}_{uuid}.wav"


def test_a_solo_is_of_one_instrument_and_of_its_song(tmp_path: Path, write_tgz: Writer):
    name = medley_name("training", 5, UUIDS[0])
    write_medley(tmp_path, write_tgz, [name], [f"training,tenor saxophone,5,17,{UUIDS[0]}"])
    (clip,) = medley_solos.read_clips(tmp_path)
    labels = {"tenor saxophone": 1.0, "*": 0.0}
    assert clip == SourceClip(name, name.encode(), "training-17", labels, "train", licence="CC BY 4.0")
    assert MEDLEY_SOLOS.part_of(clip) == "training"


def test_solos_and_table_must_say_the_same(tmp_path: Path, write_tgz: Writer):
    names = [medley_name("test", number, uuid) for number, uuid in enumerate(UUIDS)]
    rows = [
        f"validation,clarinet,0,1,{UUIDS[0]}",
        f"test,kazoo,1,1,{UUIDS[1]}",
        f"test,female singer,2,,{UUIDS[2]}",
        "test,piano,4,1,0e4371ac-1c6a-51ab-fdb7-f8abd5fbf1af",
    ]
    write_medley(tmp_path, write_tgz, [*names, "notes.wav"], rows)
    assert reasons(medley_solos.read_clips(tmp_path)) == {
        names[0]: "its name says test and instrument 0, the table validation and 0",
        names[
            1
        ]: "unknown instrument 'kazoo'; known: clarinet, distorted electric guitar, female singer, flute, piano, "
        "tenor saxophone, trumpet, violin",
        names[2]: "its song_id is missing, so nobody knows which recording it was cut from",
        names[3]: "audio without label: the table does not name it",
        "notes.wav": "its name is not Medley-solos-DB_<subset>-<instrument>_<uuid4>.wav",
        "missing/Medley-solos-DB_test-4_0e4371ac-1c6a-51ab-fdb7-f8abd5fbf1af.wav": "label without audio: the archive has "
        "no such file",
    }


def test_a_table_of_solos_without_a_column_or_no_table_is_named(tmp_path: Path, write_tgz: Writer):
    write_medley(tmp_path, write_tgz, [], [], header="subset,instrument")
    with pytest.raises(ArchiveError, match=r"Medley-solos-DB_metadata\.csv must have the columns subset, instrument"):
        list(medley_solos.read_clips(tmp_path))
    (tmp_path / "Medley-solos-DB_metadata.csv").unlink()
    with pytest.raises(ArchiveError, match=r"metadata\.csv is missing; run `dvc repro download@medley_solos`"):
        list(medley_solos.read_clips(tmp_path))


# TinySOL: folders of families and instruments, the table beside the archive

TINYSOL_HEADER = (
    "Path,Fold,Family,Instrument (abbr.),Instrument (in full),Technique (abbr.),Technique (in full),Pitch,Pitch ID,"
    "Dynamics,Dynamics ID,Instance ID,String ID (if applicable),Needed digital retuning"
)


def write_tinysol(folder: Path, write_tgz: Writer, names: Iterable[str], rows: Iterable[str]) -> Path:
    write_tgz(folder / "TinySOL.tar.gz", [(name, name.encode()) for name in names])
    text = "\n".join([TINYSOL_HEADER, *rows]) + "\n"
    (folder / "TinySOL_metadata.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_note_is_of_its_instrument_and_fold(tmp_path: Path, write_tgz: Writer):
    name = "Winds/Flute/ordinario/Fl-ord-C4-mf-N-T14d.wav"
    row = f"{name},3,Winds,Fl,Flute,ord,ordinario,C4,60,mf,2,0,,TRUE"
    write_tinysol(tmp_path, write_tgz, [f"./{name}"], [row])
    (clip,) = tinysol.read_clips(tmp_path)
    assert clip == SourceClip(f"./{name}", clip.data, "Fl", {"Fl": 1.0, "*": 0.0}, "fold4", licence="CC BY 4.0")
    assert TINYSOL.part_of(clip) == "notes"
    assert len(TINYSOL_INSTRUMENTS) == 14


def test_notes_and_table_must_say_the_same(tmp_path: Path, write_tgz: Writer):
    names = [f"Brass/Horn/ordinario/Hn-ord-A#{number}-ff-N.wav" for number in range(1, 4)]
    rows = [
        f"{names[0]},0,Brass,Kz,Kazoo",
        f"{names[1]},5,Brass,Hn,French Horn",
        "Brass/Tuba/gone.wav,0,Brass,BTb,Tuba",
    ]
    write_tinysol(tmp_path, write_tgz, [*names, "Brass/._x.wav"], rows)
    found = list(tinysol.read_clips(tmp_path))
    assert reasons(iter(found)) == {
        names[0]: "unknown instrument 'Kz'; known: ASax, Acc, BTb, Bn, Cb, ClBb, Fl, Hn, Ob, Tbn, TpC, Va, Vc, Vn",
        names[1]: "its fold is '5', not 0 to 4",
        names[2]: "audio without label: the table does not name it",
        "missing/Brass/Tuba/gone.wav": "label without audio: the archive has no such file",
    }
    assert [TINYSOL.part_of(item) for item in found] == ["notes", "notes", "notes", None]


# good-sounds: a zip of packs and microphones, two tables beside it


def write_good_sounds(folder: Path, write_zip: Writer, names: Iterable[str], sounds: object, takes: object) -> Path:
    write_zip(folder / "good-sounds.zip", [(f"good-sounds/sound_files/{name}", name.encode()) for name in names])
    (folder / "sounds.json").write_text(json.dumps(sounds), encoding="utf-8")
    (folder / "takes.json").write_text(json.dumps(takes), encoding="utf-8")
    return folder


def test_takes_by_several_microphones_are_one_recording(tmp_path: Path, write_zip: Writer):
    names = ["flute_almudena_reference/akg/0000.wav", "flute_almudena_reference/neumann/0000.wav"]
    sounds = {"1": {"id": 1, "instrument": "flute", "player": "almudena", "octave": 4, "bow_velocity": None}}
    takes = {
        str(number): {"id": number, "microphone": name.split("/")[1], "filename": f"sound_files/{name}", "sound_id": 1}
        for number, name in enumerate(names)
    }
    write_good_sounds(tmp_path, write_zip, names, sounds, takes)
    found = clips(good_sounds.read_clips(tmp_path))
    assert [clip.path for clip in found] == [f"good-sounds/sound_files/{name}" for name in names]
    assert {clip.recording for clip in found} == {"flute-almudena"}
    assert found[0].labels == {"flute": 1.0, "*": 0.0}
    assert {clip.licence for clip in found} == {"CC BY-SA 4.0"}


def test_takes_and_tables_must_say_the_same(tmp_path: Path, write_zip: Writer):
    names = ["a/iphone/0001.wav", "a/iphone/0002.wav", "a/iphone/._0003.wav"]
    sounds = {"1": {"instrument": "kazoo", "player": None}}
    takes = {
        "1": {"filename": f"sound_files/{names[0]}", "sound_id": 1},
        "2": {"filename": "sound_files/a/iphone/gone.wav", "sound_id": 1},
    }
    write_good_sounds(tmp_path, write_zip, names, sounds, takes)
    top = "good-sounds/sound_files"
    assert reasons(good_sounds.read_clips(tmp_path)) == {
        f"{top}/{names[0]}": "unknown instrument 'kazoo'; known: bass, cello, clarinet, flute, oboe, piccolo, sax_alto, "
        "sax_baritone, sax_soprano, sax_tenor, trumpet, violin",
        f"{top}/{names[1]}": "audio without label: the tables do not name it",
        f"{top}/a/iphone/gone.wav": "label without audio: the archive has no such file",
    }


@pytest.mark.parametrize("text", ["{", '{"1": {"player": "x"}}', "[]"])
def test_a_table_of_sounds_that_is_none_is_named(tmp_path: Path, write_zip: Writer, text: str):
    write_good_sounds(tmp_path, write_zip, [], {}, {})
    (tmp_path / "sounds.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"sounds\.json is not the published table: "):
        list(good_sounds.read_clips(tmp_path))


# The Philharmonia samples: an archive of archives


def zipped(names: Iterable[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return content.getvalue()


def test_notes_are_read_from_archives_in_the_archive(tmp_path: Path, write_zip: Writer):
    cello = ["cello/cello_A2_05_fortissimo_arco-normal.mp3", "cello/cello_As3_long_mezzo-forte_natural-harmonic.mp3"]
    agogo = ["agogo bells/agogo-bells__025_mezzo-forte_struck-singly.mp3"]
    members = [
        ("all-samples/cello.zip", zipped([*cello, "cello/._x.mp3"])),
        ("all-samples/percussion/agogo bells.zip", zipped(agogo)),
        ("__MACOSX/all-samples/._cello.zip", b"x"),
    ]
    write_zip(tmp_path / "all-samples.zip", members)
    found = clips(philharmonia.read_clips(tmp_path))
    assert [clip.path for clip in found] == [
        "all-samples/cello/cello_A2_05_fortissimo_arco-normal.mp3",
        "all-samples/cello/cello_As3_long_mezzo-forte_natural-harmonic.mp3",
        "all-samples/percussion/agogo bells/agogo-bells__025_mezzo-forte_struck-singly.mp3",
    ]
    assert [clip.recording for clip in found] == ["cello", "cello", "agogo-bells"]
    assert [clip.labels for clip in found] == [{"cello": 1.0, "*": 0.0}] * 2 + [{"percussion": 1.0, "*": 0.0}]
    assert found[0].data == cello[0].encode()


def test_notes_unpacked_once_or_twice_are_the_same(tmp_path: Path, write_zip: Writer):
    name = "cello_A2_05_fortissimo_arco-normal.mp3"
    write_zip(tmp_path / "one" / "all-samples.zip", [("all-samples/cello.zip", zipped([f"cello/{name}"]))])
    write_zip(tmp_path / "two" / "all-samples.zip", [(f"all-samples/cello/{name}", f"cello/{name}".encode())])
    once, twice = (list(philharmonia.read_clips(tmp_path / folder)) for folder in ("one", "two"))
    assert once == twice
    assert len(once) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cello_A2_05_fortissimo.mp3", "its name is not <instrument>_<pitch>_<length>_<dynamic>_<way of playing>.mp3"),
        ("kazoo_A2_05_forte_normal.mp3", "unknown instrument 'kazoo'; known: banjo, bass-clarinet, "),
    ],
)
def test_a_sample_of_another_name_is_rejected_alone(tmp_path: Path, write_zip: Writer, name: str, reason: str):
    names = [f"cello/{name}", "cello/cello_A2_05_forte_arco-normal.mp3"]
    write_zip(tmp_path / "all-samples.zip", [("all-samples/cello.zip", zipped(names))])
    found = list(philharmonia.read_clips(tmp_path))
    (stated,) = reasons(iter(found)).values()
    assert stated.startswith(reason)
    assert len(clips(iter(found))) == 1


def test_a_broken_archive_in_the_archive_is_named(tmp_path: Path, write_zip: Writer):
    write_zip(tmp_path / "all-samples.zip", [("all-samples/cello.zip", b"no zip")])
    with pytest.raises(ArchiveError, match=r"all-samples\.zip/all-samples/cello\.zip is truncated or corrupt"):
        list(philharmonia.read_clips(tmp_path))
