import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instrumentarium.corpora.irmas import parser as irmas
from instrumentarium.corpora.irmas.card import CARD
from instrumentarium.corpora.irmas.params import IrmasParams
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.ingestion import ingest as ingestion
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.ingestion.ingest import PARTS, IngestError, ingest, ingest_corpus
from instrumentarium.runtime import workers
from instrumentarium.runtime.files import SET_ASIDE
from instrumentarium.tables.samplestore import SampleStore, SampleWriter
from instrumentarium.tables.schemas import CLIPS, LABELS, REJECTED

ROOT = Path(__file__).resolve().parents[2]
RATE = 32000
Tone = Callable[..., np.ndarray]
Encoder = Callable[..., bytes]


def clip_of(path: str, data: bytes, labels: dict[str, float] | None = None, **known: str) -> SourceClip:
    described = {"recording": path.removesuffix(".wav"), "official_split": "train"} | known
    return SourceClip(path=path, data=data, labels={"cel": 1.0} if labels is None else labels, **described)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def reasons(folder: Path) -> dict[str, str]:
    rejected = REJECTED.read(folder / "rejected.csv")
    return dict(zip(rejected["path"], rejected["reason"], strict=True))


@pytest.fixture
def files(tone: Tone, audio: Encoder) -> dict[str, bytes]:
    """Return files of every usual format that hold a second each of another note."""
    formats = {
        "8 kHz mono": (8000, 1, "PCM_16"),
        "96 kHz 6 channels": (96000, 6, "PCM_16"),
        "24 bit": (44100, 2, "PCM_24"),
        "float": (48000, 2, "FLOAT"),
        "16 bit": (44100, 2, "PCM_16"),
    }
    return {
        f"{name}.wav": audio(tone(1.0, 300 + 50 * number, rate, channels), rate, subtype=subtype)
        for number, (name, (rate, channels, subtype)) in enumerate(formats.items())
    }


@pytest.fixture
def bad_files(tone: Tone, audio: Encoder) -> dict[str, tuple[bytes, str]]:
    """Return files that cannot be used, and how the reason begins."""
    broken = tone(1.0)
    broken[7] = np.nan
    return {
        "text.wav": (b"this is not audio\n", "not readable as audio: "),
        "empty.wav": (b"", "the file is empty"),
        "no frames.wav": (audio(np.zeros((0, 2))), "the file holds no audio frame"),
        "one sample.wav": (audio(np.ones((1, 1))), "too short: 1 frames"),
        "silent.wav": (audio(np.zeros((44100, 2))), "silent: "),
        "nan.wav": (audio(broken, subtype="FLOAT"), "it holds NaN or infinite samples"),
        "broken off.wav": (audio(tone(1.0))[:-500], "truncated: 500 bytes"),
    }


def test_every_clip_has_a_row_its_samples_and_its_labels(tmp_path: Path, files: dict[str, bytes]):
    source = [
        clip_of(name, data, {"gel": 1.0, "voi": 0.25}, genre="cla", drums="no", licence="CC0 1.0", recording="r")
        for name, data in files.items()
    ]
    result = ingest("irmas", iter(source), tmp_path, RATE)
    clips, store = CLIPS.read(tmp_path / "clips.csv"), SampleStore(tmp_path / "samples")
    assert set(clips["clip_id"]) == {f"irmas/{name.removesuffix('.wav')}" for name in files}
    facts = clips[["recording_id", "genre", "drums", "licence"]].drop_duplicates()
    assert facts.to_numpy().tolist() == [["irmas/r", "cla", "no", "CC0 1.0"]]
    facts = clips.set_index("path")[["sample_rate_hz", "channels", "duration_s"]]
    assert {path: tuple(row) for path, row in facts.T.items()} == {
        "8 kHz mono.wav": (8000, 1, 1.0),
        "96 kHz 6 channels.wav": (96000, 6, 1.0),
        "24 bit.wav": (44100, 2, 1.0),
        "float.wav": (48000, 2, 1.0),
        "16 bit.wav": (44100, 2, 1.0),
    }
    assert len(store) == clips["n_samples"].sum()
    for row in clips.itertuples():
        expected = decode_clip(files[row.path], RATE)
        np.testing.assert_array_equal(store.read(row.first_sample, row.n_samples), expected.samples)
        assert row.pcm_hash == expected.pcm_hash
    labels = LABELS.read(tmp_path / "labels.csv")
    assert len(labels) == 2 * len(files)
    assert dict(zip(labels["label"], labels["relevance"], strict=True)) == {"gel": 1.0, "voi": 0.25}
    assert result.summary() == "5 members in; 5 clips of 1 recordings (5 s) and 10 labels out, 0 rejected"


@pytest.mark.parametrize("used", [True, False])
def test_the_card_says_what_a_report_needs_of_the_corpus_used_or_not(tmp_path: Path, used: bool):
    settings = IrmasParams(use=used)
    if used:
        ingest("irmas", iter(()), tmp_path / "irmas", RATE, card=CARD.facts(used=True))
    else:
        ingest_corpus("irmas", settings, "rendered", tmp_path / "nowhere", tmp_path / "irmas", RATE)
    card = json.loads((tmp_path / "irmas" / "card.json").read_text(encoding="utf-8"))
    assert set(card) == {"corpus", "title", "page", "licences", "citation", "remark", "used"}
    assert (card["corpus"], card["title"], card["used"]) == ("irmas", "IRMAS", used)
    assert [set(licence) for licence in card["licences"]] == [{"covers", "name", "url", "forbids"}]
    assert card["licences"][0]["forbids"] == "no commercial use, no passing on of the audio"


def test_samples_lie_in_the_archives_order(tmp_path: Path, files: dict[str, bytes]):
    ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    clips = CLIPS.read(tmp_path / "clips.csv")
    assert clips.sort_values("first_sample")["path"].tolist() == list(files)
    assert clips["clip_id"].is_monotonic_increasing


def test_every_bad_file_is_rejected_with_its_reason(
    tmp_path: Path, files: dict[str, bytes], bad_files: dict[str, tuple[bytes, str]]
):
    source = [clip_of(name, data) for name, (data, _) in bad_files.items()]
    good = [clip_of(name, data) for name, data in files.items()]
    result = ingest("irmas", iter([*source[:3], *good, *source[3:], Rejection("x.txt", "why")]), tmp_path, RATE)
    found = reasons(tmp_path)
    assert set(found) == {*bad_files, "x.txt"}
    assert found["x.txt"] == "why"
    for name, (_, reason) in bad_files.items():
        assert found[name].startswith(reason)
    assert set(CLIPS.read(tmp_path / "clips.csv")["path"]) == set(files)
    assert set(LABELS.read(tmp_path / "labels.csv")["clip_id"]) == {f"irmas/{name[:-4]}" for name in files}
    assert result.summary().startswith(
        "13 members in; 5 clips of 5 recordings (5 s) and 5 labels out, 8 rejected (1 × "
    )
    assert result.summary().endswith("; 3 for other reasons)")


@pytest.mark.parametrize("cores", [1, 3, 16])
def test_the_number_of_threads_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    bad_files: dict[str, tuple[bytes, str]],
    cores: int,
):
    mixed = {**{name: data for name, (data, _) in bad_files.items()}, **files}
    many = [clip_of(f"{number} {name}", data) for number in range(3) for name, data in sorted(mixed.items())]
    ingest("irmas", iter(many), tmp_path / "two", RATE)
    pools: list[int] = []
    make = workers.ThreadPoolExecutor
    monkeypatch.setattr(workers, "usable_cores", lambda: cores)
    monkeypatch.setattr(workers, "ThreadPoolExecutor", lambda size: pools.append(size) or make(size))
    ingest("irmas", iter(many), tmp_path / "other", RATE)
    assert pools == [cores]
    assert contents(tmp_path / "two") == contents(tmp_path / "other")


def test_the_archive_is_read_little_by_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]):
    """Whatever the archive's size, only a few of its members are in memory."""
    monkeypatch.setattr(workers, "usable_cores", lambda: 2)
    read, written, most = 0, 0, 0

    def source() -> Iterator[SourceClip]:
        nonlocal read, most
        for number in range(60):
            read += 1
            most = max(most, read - written)
            yield clip_of(f"{number}.wav", files["8 kHz mono.wav"])

    append = SampleWriter.append

    def count(writer: SampleWriter, samples: np.ndarray) -> int:
        nonlocal written
        written += 1
        return append(writer, samples)

    monkeypatch.setattr(SampleWriter, "append", count)
    ingest("irmas", source(), tmp_path, RATE)
    assert written == 60
    assert most <= 10


def test_an_empty_corpus_has_empty_tables_and_an_empty_store(tmp_path: Path):
    result = ingest("esc50", iter(()), tmp_path, RATE)
    assert [len(table.read(tmp_path / f"{table.name}.csv")) for table in (CLIPS, LABELS, REJECTED)] == [0, 0, 0]
    assert len(SampleStore(tmp_path / "samples")) == 0
    assert result.summary().startswith("0 members in; 0 clips of 0 recordings")


def test_a_duplicate_name_is_rejected_and_the_first_one_kept(tmp_path: Path, files: dict[str, bytes]):
    first, second, third = list(files.values())[:3]
    source = [clip_of("a.wav", first), clip_of("a.wav", second), clip_of("b.wav", third), clip_of("a.wav", third)]
    ingest("irmas", iter(source), tmp_path, RATE)
    clips = CLIPS.read(tmp_path / "clips.csv").set_index("path")
    assert list(clips.index) == ["a.wav", "b.wav"]
    assert clips["pcm_hash"]["a.wav"] == decode_clip(first, RATE).pcm_hash
    reason = "duplicate name: an earlier member has the same one"
    assert reasons(tmp_path) == {"a.wav": reason, "a.wav (2)": reason}


def test_names_that_differ_by_their_suffix_alone_are_two_clips(tmp_path: Path, files: dict[str, bytes]):
    first, second, third = list(files.values())[:3]
    names = [("cut.aiff", first), ("cut.ogg", second), ("cut.ogg", third), ("deep/cut.ogg", third)]
    ingest("own", iter([clip_of(*each) for each in names]), tmp_path, RATE)
    clips = CLIPS.read(tmp_path / "clips.csv").set_index("clip_id")
    assert dict(clips["path"]) == {"own/cut": "cut.aiff", "own/cut.ogg": "cut.ogg", "own/deep/cut": "deep/cut.ogg"}
    assert clips["pcm_hash"]["own/cut.ogg"] == decode_clip(second, RATE).pcm_hash
    assert list(reasons(tmp_path)) == ["cut.ogg"]


def test_the_summary_counts_reasons_by_kind_and_unknown_licences(tmp_path: Path, files: dict[str, bytes]):
    data = files["8 kHz mono.wav"]
    source = [
        clip_of("a.wav", data, licence="unknown"),
        clip_of("b.wav", data, licence="CC BY 4.0"),
        clip_of("c.wav", data[:-10]),
        clip_of("d.wav", data[:-20]),
        Rejection("e.wav", "group human is switched off: category laughing"),
    ]
    assert ingest("esc50", iter(source), tmp_path, RATE).summary() == (
        "5 members in; 2 clips of 2 recordings (2 s) and 2 labels out, 3 rejected "
        "(2 × truncated; 1 × group human is switched off); the licence of 1 clips is unknown"
    )


def test_thousands_of_rejections_are_all_listed(tmp_path: Path):
    source = [Rejection(f"{number % 5000}.wav", "why") for number in range(10000)]
    ingest("esc50", iter(source), tmp_path, RATE)
    assert len(reasons(tmp_path)) == 10000


LETTERS = Published({"a": 2, "b": 1}, lambda member: member.path[0] if member.path.endswith(".wav") else None)


def test_what_was_published_is_counted_whether_or_not_it_is_of_use(tmp_path: Path, files: dict[str, bytes]):
    data = files["8 kHz mono.wav"]
    source = [
        clip_of("a1.wav", data),
        clip_of("a2.wav", b"text"),
        Rejection("b1.wav", "why"),
        Rejection("c.txt", "why"),
    ]
    result = ingest("irmas", iter(source), tmp_path, RATE, LETTERS)
    assert result.parts == {"a": 2, "b": 1}
    assert result.against(LETTERS) == "counts as published: 3 audio files (a 2, b 1), 1 of them used"


def test_a_label_that_was_published_more_often_than_it_was_read_is_a_difference():
    def say(found: SourceClip | Rejection) -> list[str]:
        return [f"{code} in a" for code in getattr(found, "labels", {}) if found.path.startswith("a")]

    letters = replace(LETTERS, labels={"cel in a": 1, "pia in a": 1}, labels_of=say)
    clip = clip_of("a1.wav", b"", {"cel": 1.0})
    assert list(letters.met(clip)) == ["a", "cel in a"]
    assert list(letters.met(Rejection("b1.wav", "why"))) == ["b"]
    assert letters.total == 3
    assert letters.differences({"a": 2, "b": 1, "cel in a": 1}) == ["pia in a: 1 published, 0 found"]


def test_a_count_that_was_not_published_stops_before_anything_is_replaced(
    tmp_path: Path, files: dict[str, bytes], earlier: dict[str, bytes]
):
    source = [clip_of(name, files["16 bit.wav"]) for name in ("a1.wav", "b1.wav", "c1.wav")]
    message = (
        r"^irmas was misread: 2 counts differ from the published ones: a: 2 published, 1 found; c: 0 published, 1 found\. "
        r".* the parser in corpora/irmas .* or the count in its published\.py\. Nothing was replaced"
    )
    with pytest.raises(IngestError, match=message):
        ingest("irmas", iter(source), tmp_path, RATE, LETTERS)
    assert contents(tmp_path) == earlier


@pytest.mark.parametrize(("source", "status"), [("rendered", 0), ("published", 1)])
def test_only_a_published_collection_must_have_the_published_counts(
    tmp_path: Path, write_irmas, source: str, status: int
):
    write_irmas(tmp_path / "raw")
    corpora = "{irmas: {use: true}}"
    (tmp_path / "params.yaml").write_text(
        f"collection: c\naudio: {{sample_rate_hz: 32000}}\ncollections: {{c: {{source: {source}, corpora: {corpora}}}}}\n"
    )
    command = [sys.executable, str(ROOT / "stages" / "ingest.py"), "irmas", "raw", "clips"]
    outside = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    done = subprocess.run(command, cwd=tmp_path, env=outside, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    if status:
        assert "irmas was misread: 25 counts differ" in done.stderr
        assert "train cel: 388 published, 1 found" in done.stderr
    assert (tmp_path / "clips" / "clips.csv").exists() == (status == 0)


def test_a_bad_file_does_not_take_the_name_of_a_good_one(tmp_path: Path, files: dict[str, bytes]):
    data = files["16 bit.wav"]
    ingest("irmas", iter([clip_of("a.wav", b""), clip_of("a.wav", data)]), tmp_path, RATE)
    assert CLIPS.read(tmp_path / "clips.csv")["path"].tolist() == ["a.wav"]
    assert list(reasons(tmp_path)) == ["a.wav"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_is_ingested_end_to_end(tmp_path: Path, write_irmas, tone: Tone, audio: Encoder):
    data = audio(tone(3.0, channels=2))
    cello = "IRMAS-TrainingData/cel/[cel][nod][cla]0058__{}.wav"
    train = [(cello.format(1), data), (cello.format(1), data), (cello.format(2), b"text")]
    test = [
        *(("a-1.wav", data), ("a-1.txt", b"gel\t\nvoi\t\n"), ("a-2.wav", data), ("b-1.txt", b"gel\t\n")),
        *(("c-1.wav", data), ("c-1.txt", b"sitar\t\n")),
    ]
    archives = write_irmas(tmp_path / "raw", train=train, test=test)
    ingest("irmas", irmas.read_clips(archives), tmp_path / "clips", RATE)
    clips = CLIPS.read(tmp_path / "clips" / "clips.csv")
    part = "IRMAS-TestingData-Part1/Part1"
    assert dict(zip(clips["clip_id"], clips["recording_id"], strict=True)) == {
        f"irmas/{part}/a-1": "irmas/test-a",
        "irmas/IRMAS-TrainingData/cel/[cel][nod][cla]0058__1": "irmas/train-0058",
    }
    assert clips["pcm_hash"].nunique() == 1
    assert clips["n_samples"].tolist() == [96000, 96000]
    assert len(LABELS.read(tmp_path / "clips" / "labels.csv")) == 12
    assert {path: reason.split(":")[0] for path, reason in reasons(tmp_path / "clips").items()} == {
        cello.format(1): "duplicate name",
        cello.format(2): "not readable as audio",
        f"{part}/a-2.wav": "audio without label file",
        f"{part}/b-1.txt": "label file without audio",
        f"{part}/c-1.wav": "its label file holds unknown instrument code 'sitar'; known",
    }


@pytest.fixture
def earlier(tmp_path: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what an earlier run has left in tmp_path."""
    ingest("irmas", iter([clip_of("earlier.wav", files["16 bit.wav"])]), tmp_path, RATE)
    return contents(tmp_path)


def fail_when_writing(monkeypatch: pytest.MonkeyPatch, what: str, number: int) -> None:
    def refuse(*args: object, **known: object) -> None:
        raise OSError(number, os.strerror(number))

    if what == "samples":
        monkeypatch.setattr(SampleWriter, "append", refuse)
    elif what == "folder":
        monkeypatch.setattr(ingestion.tempfile, "mkdtemp", refuse)
    else:
        monkeypatch.setattr(pd.DataFrame, "to_csv", refuse)


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path, files: dict[str, bytes], earlier: dict[str, bytes]):
    half_written, set_aside = tmp_path / ".ingest-half", tmp_path / ".ingest-aside"
    (half_written / "samples").mkdir(parents=True)
    (set_aside / SET_ASIDE).mkdir(parents=True)
    with pytest.raises(ArchiveError):
        ingest("irmas", irmas.read_clips(tmp_path / "nowhere"), tmp_path, RATE)
    assert not half_written.exists()
    assert set_aside.exists()  # until there is something new, it may be all there is
    ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert {path.name for path in tmp_path.iterdir()} == set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_moved_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], earlier: dict[str, bytes], part: str
):
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target == tmp_path / part and path.parent.name != SET_ASIDE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(IngestError, match="is full"):
        ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert contents(tmp_path) == earlier


def test_a_quota_that_is_used_up_is_told_from_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], earlier: dict[str, bytes]
):
    fail_when_writing(monkeypatch, "samples", errno.EDQUOT)
    message = rf"your quota on the disk of {tmp_path} is used up while ingesting irmas; make room and run `dvc repro"
    with pytest.raises(IngestError, match=message):
        ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert contents(tmp_path) == earlier


@pytest.mark.parametrize("what", ["folder", "samples", "tables"])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    earlier: dict[str, bytes],
    what: str,
):
    fail_when_writing(monkeypatch, what, errno.ENOSPC)
    message = (
        rf"the disk of {tmp_path} is full \(\d+ MB free\) while ingesting irmas; make room and run `dvc repro ingest"
    )
    with pytest.raises(IngestError, match=message):
        ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert contents(tmp_path) == earlier
    assert {path.name for path in tmp_path.iterdir()} == set(ingestion.PARTS)
    monkeypatch.undo()
    ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert len(CLIPS.read(tmp_path / "clips.csv")) == len(files)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_in_the_middle_of_a_shard_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], earlier: dict[str, bytes]
):
    """Here the writes are real and are refused by the system, at the first flush or when the shard is closed."""
    opened = Path.open

    def open_on_a_full_disk(path: Path, *args: str, **known: str):
        return opened(Path("/dev/full") if path.suffix == ".npy" else path, *args, **known)

    monkeypatch.setattr(Path, "open", open_on_a_full_disk)
    for count in (1, len(files)):
        source = [clip_of(name, data) for name, data in files.items()][:count]
        with pytest.raises(IngestError, match="is full"):
            ingest("irmas", iter(source), tmp_path, RATE)
        assert {path.name for path in tmp_path.iterdir()} == set(ingestion.PARTS)
    monkeypatch.undo()
    assert contents(tmp_path) == earlier


def test_another_error_of_the_disk_is_not_called_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], earlier: dict[str, bytes]
):
    fail_when_writing(monkeypatch, "samples", errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        ingest("irmas", (clip_of(name, data) for name, data in files.items()), tmp_path, RATE)
    assert contents(tmp_path) == earlier


@pytest.mark.parametrize("error", [ArchiveError("x.zip is truncated or corrupt"), KeyboardInterrupt()])
def test_an_archive_that_breaks_off_or_an_interrupt_leaves_what_was_there(
    tmp_path: Path, files: dict[str, bytes], earlier: dict[str, bytes], error: BaseException
):
    def source() -> Iterator[SourceClip]:
        yield from (clip_of(name, data) for name, data in files.items())
        raise error

    with pytest.raises(type(error)):
        ingest("irmas", source(), tmp_path, RATE)
    assert contents(tmp_path) == earlier
    assert {path.name for path in tmp_path.iterdir()} == set(ingestion.PARTS)


def test_a_new_run_replaces_all_of_the_earlier_one(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], earlier: dict[str, bytes]
):
    afresh = tmp_path_factory.mktemp("afresh")
    for folder in (tmp_path, afresh):
        ingest("irmas", (clip_of(name, data) for name, data in files.items()), folder, RATE)
    assert contents(tmp_path) == contents(afresh) != earlier
