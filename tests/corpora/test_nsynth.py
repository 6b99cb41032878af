"""NSynth: names, archives in the publisher's layout, and, where it is at hand, a slice of the published notes."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.corpora.nsynth import published
from instrumentarium.corpora.nsynth.labels import MEANINGS, SOURCES
from instrumentarium.corpora.nsynth.params import NsynthParams
from instrumentarium.corpora.nsynth.parser import read_clips
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.ingestion.ingest import IngestError, ingest_corpus
from instrumentarium.tables.schemas import CLIPS, LABELS, REJECTED

Writer = Callable[..., Path]
SLICE = Path(__file__).resolve().parents[3] / "shared" / "data" / "nsynth" / "nsynth-slice.jsonwav.tar.gz"
FAMILIES = "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal".split()
"""The eleven of the publisher's table."""


def write_nsynth(write_tgz: Writer, folder: Path, part: str, notes: dict[str, bytes]) -> None:
    top = f"nsynth-{part}"
    members = [(f"{top}/examples.json", json.dumps({name: {} for name in notes}).encode())]
    members += [(f"{top}/audio/{name}.wav", data) for name, data in notes.items()]
    write_tgz(folder / f"{top}.jsonwav.tar.gz", members)


def test_every_family_from_every_source_has_a_meaning():
    assert set(MEANINGS) == {f"{family}_{source}" for family in FAMILIES for source in SOURCES}


def test_a_name_says_instrument_and_family(tmp_path: Path, write_tgz: Writer):
    write_nsynth(
        write_tgz, tmp_path, "test", {"guitar_acoustic_021-055-100": b"a", "synth_lead_synthetic_011-060-025": b"b"}
    )
    path = "nsynth-test/audio/guitar_acoustic_021-055-100.wav"
    labels = {"guitar_acoustic": 1.0, "*": 0.0}
    clip, lead = read_clips(tmp_path, ["test"])
    assert clip == SourceClip(path, b"a", "guitar_acoustic_021", labels, "test", licence="CC BY 4.0")
    assert isinstance(lead, SourceClip)
    assert (lead.recording, lead.labels) == ("synth_lead_synthetic_011", {"synth_lead_synthetic": 1.0, "*": 0.0})


def test_parts_keep_the_publishers_splits_and_one_left_out_is_not_read(tmp_path: Path, write_tgz: Writer):
    for part in ("train", "valid"):
        write_nsynth(write_tgz, tmp_path, part, {f"organ_electronic_00{len(part) - 4}-060-100": part.encode()})
    both = list(read_clips(tmp_path, ["train", "valid"]))
    assert [clip.official_split for clip in both] == ["train", "validation"]
    assert len(list(read_clips(tmp_path, ["valid"]))) == 1
    with pytest.raises(
        ArchiveError, match=r"nsynth-test\.jsonwav\.tar\.gz is missing; run `dvc repro download@nsynth`"
    ):
        list(read_clips(tmp_path, ["test"]))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("guitar_021-055-100", "its name is not <family>_<source>_<number>-<pitch>-<velocity>"),
        ("guitar_acoustic_021-55-100", "its name is not"),
        ("guitar_acoustic_021-055", "its name is not"),
        ("kazoo_acoustic_021-055-100", "unknown family 'kazoo'; known: bass, brass, flute, guitar, keyboard, mallet"),
    ],
)
def test_a_note_of_another_name_is_rejected_alone(tmp_path: Path, write_tgz: Writer, name: str, reason: str):
    write_nsynth(write_tgz, tmp_path, "test", {name: b"a", "flute_acoustic_002-077-050": b"b"})
    rejection, clip = read_clips(tmp_path, ["test"])
    assert isinstance(rejection, Rejection)
    assert rejection.reason.startswith(reason)
    assert isinstance(clip, SourceClip)


def test_an_archive_that_broke_off_is_named(tmp_path: Path, write_tgz: Writer):
    write_nsynth(write_tgz, tmp_path, "test", {"flute_acoustic_002-077-050": bytes(range(256)) * 100})
    archive = tmp_path / "nsynth-test.jsonwav.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(ArchiveError, match="is truncated or corrupt"):
        list(read_clips(tmp_path, ["test"]))


def test_the_published_counts_are_held_part_by_part(tmp_path: Path, write_tgz: Writer, audio: Writer, tone: Writer):
    write_nsynth(write_tgz, tmp_path, "test", {"flute_acoustic_002-077-050": audio(tone(4.0, rate=16_000), 16_000)})
    settings = NsynthParams(use=True, parts=["test"])
    with pytest.raises(
        IngestError,
        match=r"nsynth was misread: 1 counts differ.*test: 4096 published, 1 found\. Their publisher states no ",
    ):
        ingest_corpus("nsynth", settings, "published", tmp_path, tmp_path / "out", 16_000)


@pytest.mark.skipif(not SLICE.exists(), reason="the slice of published notes is not beside this checkout")
def test_a_slice_of_the_published_notes_is_ingested_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(published, "PUBLISHED", Published({"test": 212}, published.part_of))
    (tmp_path / "nsynth-test.jsonwav.tar.gz").symlink_to(SLICE)
    settings = NsynthParams(use=True, parts=["test"])
    lines = ingest_corpus("nsynth", settings, "rendered", tmp_path, tmp_path / "out", 32_000)
    assert lines[0].startswith("212 members in; 212 clips of 53 recordings (848 s) and 424 labels out, 0 rejected")
    clips, labels = CLIPS.read(tmp_path / "out" / "clips.csv"), LABELS.read(tmp_path / "out" / "labels.csv")
    assert (set(clips["sample_rate_hz"]), set(clips["duration_s"])) == ({16_000}, {4.0})
    assert REJECTED.read(tmp_path / "out" / "rejected.csv").empty
    with tarfile.open(SLICE) as archive:
        member = archive.extractfile("nsynth-test/examples.json")
        assert member is not None
        said = json.loads(member.read())
    stated = labels[labels["label"] != "*"].set_index("clip_id")["label"]
    for row in clips.itertuples():
        note = said[str(row.clip_id).rpartition("/")[2]]
        assert row.recording_id == f"nsynth/{note['instrument_str']}"
        assert stated[row.clip_id] == f"{note['instrument_family_str']}_{note['instrument_source_str']}"
