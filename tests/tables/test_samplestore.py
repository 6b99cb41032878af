import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import sealed
from instrumentarium.tables.samplestore import (
    CHECKSUMS,
    MissingSamplesError,
    SamplesError,
    SampleStore,
    SampleWriter,
)


def write(folder: Path, clips: list[np.ndarray], shard_samples: int = 2**20) -> list[int]:
    with SampleWriter(folder, shard_samples) as writer:
        return [writer.append(clip) for clip in clips]


def draw_clips(lengths: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(len(lengths))
    return [rng.integers(-32767, 32768, size=length).astype(np.int16) for length in lengths]


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), max_size=20), shard_samples=st.integers(1, 50))
def test_clips_come_back_across_the_borders_of_shards(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], shard_samples: int
):
    clips = draw_clips(lengths)
    folder = tmp_path_factory.mktemp("store") / "samples"
    firsts = write(folder, clips, shard_samples)
    store = SampleStore(folder)
    assert len(store) == sum(lengths)
    assert firsts == [sum(lengths[:index]) for index in range(len(lengths))]
    for first, clip in zip(firsts, clips, strict=True):
        np.testing.assert_array_equal(store.read(first, len(clip)), clip)


@pytest.mark.parametrize("keep", [0, 5, 60, 127, 128, 129, 200, -2, -1])
def test_a_shard_that_is_cut_off_is_refused(tmp_path: Path, keep: int):
    write(tmp_path / "samples", draw_clips([40, 30]))
    path = tmp_path / "samples" / "000.npy"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SamplesError, match=r"000\.npy is damaged: .*run `dvc checkout`"):
        SampleStore(tmp_path / "samples")


def test_every_flipped_bit_of_a_header_and_every_surplus_byte_is_noticed(tmp_path: Path):
    write(tmp_path / "samples", draw_clips([40]))
    path = tmp_path / "samples" / "000.npy"
    sound = path.read_bytes()
    damaged = [sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :] for at in range(len(sound) - 80)]
    for content in [*damaged, sound + b"\0\0", sound + b"\0", b"\x80\x05]q\x00."]:
        path.write_bytes(content)
        with pytest.raises(SamplesError, match="its header is not that of"):
            SampleStore(tmp_path / "samples")
    path.write_bytes(sound)
    assert len(SampleStore(tmp_path / "samples")) == 40


def test_a_shard_is_a_numpy_file_that_holds_whole_clips(tmp_path: Path):
    clips = draw_clips([4, 4, 4, 11, 2])
    write(tmp_path / "samples", clips, 10)
    shards = [np.load(path) for path in sorted((tmp_path / "samples").glob("*.npy"))]
    assert [len(shard) for shard in shards] == [8, 4, 11, 2]
    np.testing.assert_array_equal(np.concatenate(shards), np.concatenate(clips))
    assert {shard.dtype.str for shard in shards} == {"<i2"}


def test_equal_clips_give_equal_bytes(tmp_path: Path):
    for name in "ab":
        write(tmp_path / name, draw_clips([5, 7, 9]), 12)
    files = [sorted((tmp_path / name).iterdir()) for name in "ab"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_corpus_without_clips_has_an_empty_store(tmp_path: Path):
    write(tmp_path / "samples", [])
    store = SampleStore(tmp_path / "samples")
    assert len(store) == 0
    with pytest.raises(SamplesError, match="do not lie within one shard"):
        store.read(0, 1)


def test_a_strided_view_is_stored_as_it_reads(tmp_path: Path):
    clip = np.arange(20, dtype=np.int16)[::2]
    write(tmp_path / "samples", [clip])
    np.testing.assert_array_equal(SampleStore(tmp_path / "samples").read(0, 10), clip)


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, 11), (6, 4), (12, 1), (11, 2), (99, 1)])
def test_what_is_no_clip_cannot_be_read(tmp_path: Path, first: int, count: int):
    write(tmp_path / "samples", draw_clips([4, 4, 4]), 10)
    with pytest.raises(ValueError, match=rf"samples {first}\.\.{first + count} do not lie within one shard"):
        SampleStore(tmp_path / "samples").read(first, count)


def test_a_store_is_read_only(tmp_path: Path):
    write(tmp_path / "samples", draw_clips([4]))
    with pytest.raises(ValueError, match="read-only"):
        SampleStore(tmp_path / "samples").read(0, 4)[0] = 1


def test_a_store_that_was_not_made_says_how_to_make_it(tmp_path: Path):
    with pytest.raises(MissingSamplesError, match=r"holds no sample shards; run `dvc repro ingest`"):
        SampleStore(tmp_path / "samples")


def test_an_earlier_store_is_never_written_over(tmp_path: Path):
    write(tmp_path / "samples", draw_clips([4]))
    with pytest.raises(FileExistsError):
        write(tmp_path / "samples", draw_clips([5]))
    assert len(SampleStore(tmp_path / "samples")) == 4


def saved(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


HEADER = 128
DAMAGES = {
    "empty": lambda whole: b"",
    "cut in its mark": lambda whole: whole[:4],
    "cut in its header": lambda whole: whole[:60],
    "cut behind its header": lambda whole: whole[:HEADER],
    "cut in a sample": lambda whole: whole[:-1],
    "a sample short": lambda whole: whole[:-2],
    "a sample too long": lambda whole: whole + bytes(2),
    "zeros": lambda whole: bytes(len(whole)),
    "an unclosed bracket": lambda whole: whole.replace(b")", b"(", 1),
    "a thousand brackets": lambda whole: whole[:10] + b"(" * (HEADER - 10) + whole[HEADER:],
    "a vast length": lambda whole: whole.replace(b"(12,)", b"(9**99,)"[:5]),
    "another type": lambda whole: whole.replace(b"<i2", b"<f2"),
    "an object": lambda whole: whole.replace(b"'<i2'", b"'|O'  "[:5]),
    "another shape": lambda whole: saved(np.zeros((3, 4), "<i2")),
    "an archive": lambda whole: b"PK\x03\x04" + whole[4:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_cut_or_damaged_shard_is_refused_by_name(tmp_path: Path, damage: str):
    write(tmp_path / "samples", draw_clips([12]))
    path = tmp_path / "samples" / "000.npy"
    whole = path.read_bytes()
    assert len(whole) == HEADER + 24
    assert DAMAGES[damage](whole) != whole
    path.write_bytes(DAMAGES[damage](whole))
    with pytest.raises(SamplesError, match=r"000\.npy is damaged: .*ingest again with `dvc repro --force ingest`"):
        SampleStore(tmp_path / "samples")


@pytest.mark.filterwarnings("ignore:Data type alias")  # of which a flipped bit makes one
def test_a_flipped_bit_in_a_header_is_refused_or_changes_nothing(tmp_path: Path):
    clips = draw_clips([12])
    write(tmp_path / "samples", clips)
    path = tmp_path / "samples" / "000.npy"
    whole = path.read_bytes()
    refused = 0
    for bit in range(8 * HEADER):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            store = SampleStore(tmp_path / "samples")
        except SamplesError:
            refused += 1
        else:
            np.testing.assert_array_equal(store.read(0, 12), clips[0])
    assert refused > 4 * HEADER


def test_every_flipped_bit_of_the_samples_is_noticed_before_one_is_read(tmp_path: Path):
    write(tmp_path / "samples", draw_clips([5, 7]))
    path = tmp_path / "samples" / "000.npy"
    whole = path.read_bytes()
    for bit in range(8 * HEADER, 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        store = SampleStore(tmp_path / "samples")
        with pytest.raises(SamplesError, match=r"000\.npy is damaged: the sha256 .* run `dvc checkout`"):
            store.check([5])
        with pytest.raises(SamplesError, match=r"000\.npy is damaged"):
            store.read(0, 5)


def test_only_shards_that_are_read_from_are_checked(tmp_path: Path):
    clips = draw_clips([8, 8, 8])
    write(tmp_path / "samples", clips, 8)
    path = tmp_path / "samples" / "001.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    store = SampleStore(tmp_path / "samples")
    store.check([0, 16])
    np.testing.assert_array_equal(store.read(0, 8), clips[0])
    np.testing.assert_array_equal(store.read(16, 8), clips[2])
    for firsts in ([8], [0, 8, 16]):
        with pytest.raises(SamplesError, match=r"001\.npy is damaged"):
            store.check(firsts)
    with pytest.raises(SamplesError, match=r"001\.npy is damaged"):
        store.read(8, 8)


def test_a_shard_is_hashed_once_however_often_it_is_read_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "samples", draw_clips([8, 8, 8]), 8)
    hashed: list[str] = []
    digest = hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda file, kind: hashed.append(Path(file.name).name) or digest(file, kind)
    )
    store = SampleStore(tmp_path / "samples")
    assert not hashed
    store.check([0, 0, 8])
    store.check([0, 8])
    for _ in range(3):
        store.read(8, 4), store.read(16, 4)
    assert sorted(hashed) == ["000.npy", "001.npy", "002.npy"]


def test_the_checksum_is_that_of_the_samples(tmp_path: Path):
    clips = draw_clips([6, 6])
    write(tmp_path / "samples", clips, 6)
    content = json.loads((tmp_path / "samples" / CHECKSUMS).read_text())
    assert content["shards"] == {f"00{n}.npy": hashlib.sha256(clips[n].tobytes()).hexdigest() for n in range(2)}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"000.npy", b"008.npy")), "damaged or was changed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "it is no JSON"),
        (lambda path: path.write_text("[]"), "holds no sealed checksums"),
        (lambda path: path.write_text('{"shards": {}}'), "holds no sealed checksums"),
        (lambda path: write_json(path, sealed({"shards": 3})), "holds no sealed checksums"),
        (
            lambda path: write_json(path, sealed({"shards": {"000.npy": "a"}})),
            r"000\.npy, 001\.npy, and ingest wrote 000",
        ),
        (lambda path: path.with_name("001.npy").unlink(), r"the shards 000\.npy, and ingest wrote"),
    ],
)
def test_a_store_without_the_checksums_of_its_shards_is_refused(tmp_path: Path, damage: object, said: str):
    write(tmp_path / "samples", draw_clips([6, 6]), 6)
    damage(tmp_path / "samples" / CHECKSUMS)
    with pytest.raises(SamplesError, match=rf"{said}.*run `dvc checkout`"):
        SampleStore(tmp_path / "samples")


def test_a_store_that_was_cut_off_has_no_checksums(tmp_path: Path):
    def cut_off() -> None:
        with SampleWriter(tmp_path / "samples") as writer:
            writer.append(draw_clips([6])[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    with pytest.raises(SamplesError, match=r"checksums\.json is missing"):
        SampleStore(tmp_path / "samples")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux says what of a map is in memory")
def test_what_was_read_does_not_stay_in_the_memory_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def resident_bytes() -> int:
        """Return how much of the maps of shards counts as this process's memory."""
        total, ours = 0, False
        for line in Path("/proc/self/smaps").read_text().splitlines():
            if "-" in line.split()[0]:
                ours = str(tmp_path) in line
            elif ours and line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
        return total

    clips = draw_clips([200_000] * 20)
    firsts = write(tmp_path / "samples", clips, 500_000)
    monkeypatch.setattr("instrumentarium.tables.samplestore.RESIDENT_BYTES", 1_000_000)
    store, kept, most = SampleStore(tmp_path / "samples"), [], 0
    for _ in range(3):
        for first, clip in zip(firsts, clips, strict=True):
            kept.append(store.read(first, len(clip)))
            np.testing.assert_array_equal(kept[-1], clip)
            if len(kept) % 7 == 0:  # the kernel takes a while to count
                most = max(most, resident_bytes())
    assert 400_000 <= most < 2_000_000, "of 8 MB"
    for view, clip in zip(kept, [*clips] * 3, strict=True):
        np.testing.assert_array_equal(view, clip)
