from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.corpora.openmic import parser
from instrumentarium.corpora.openmic.card import ARCHIVE, CARD
from instrumentarium.corpora.openmic.parser import read_clips
from instrumentarium.corpora.openmic.published import CLASSES, CORRUPTED_TRACKS, PUBLISHED
from instrumentarium.corpora.source.archives import AUDIO_BYTES, ArchiveError
from instrumentarium.corpora.source.members import Rejection, SourceClip

Writer = Callable[..., Path]
CC = "creativecommons.org/licenses"
A, B, C = "000046_3840", "000135_483840", "155294_184320"


def path_of(key: str) -> str:
    return f"openmic-2018/audio/{key[:3]}/{key}.ogg"


def test_labels_are_ternary(tmp_path: Path, write_openmic: Writer):
    labels = [f"{A},clarinet,0.17105,3", f"{A},flute,1.0,3", f"{A},piano,0.5,3", f"{B},voice,0.0,5"]
    licences = [f"{A},,Attribution,https://creativecommons.org/licenses/by/4.0/", f"{B},,Sampling Plus,"]
    write_openmic(tmp_path, {A: b"a", B: b"b"}, labels, train=[A], test=[B], metadata=licences)
    assert list(read_clips(tmp_path)) == [
        SourceClip(
            path_of(A), b"a", A, {"clarinet": 0.17105, "flute": 1.0, "piano": 0.5}, "train", licence="CC BY 4.0"
        ),
        SourceClip(path_of(B), b"b", B, {"voice": 0.0}, "test", licence="Sampling Plus"),
    ]


def test_all_twenty_published_instruments_are_known(tmp_path: Path, write_openmic: Writer):
    assert len(set(CLASSES)) == 20
    write_openmic(tmp_path, {A: b"a"}, [f"{A},{name},1.0,3" for name in CLASSES], train=[A], test=[])
    (clip,) = read_clips(tmp_path)
    assert clip.labels == dict.fromkeys(CLASSES, 1.0)


def test_an_unknown_instrument_rejects_its_clip_alone(tmp_path: Path, write_openmic: Writer):
    labels = [f"{A},flute,1.0,3", f"{A},kazoo,1.0,3", f"{B},flute,1.0,3"]
    write_openmic(tmp_path, {A: b"a", B: b"b"}, labels, train=[A, B], test=[])
    rejection, clip = read_clips(tmp_path)
    assert rejection.path == path_of(A)
    assert rejection.reason.startswith("unknown instrument 'kazoo' in the aggregated labels; known: accordion, banjo")
    assert clip.path == path_of(B)


@pytest.mark.parametrize("relevance", ["", "yes", "nan", "-0.1", "1.01", "inf"])
def test_a_relevance_that_is_none_rejects_its_clip_alone(tmp_path: Path, write_openmic: Writer, relevance: str):
    labels = [f"{A},flute,{relevance},3", f"{B},flute,1.0,3"]
    write_openmic(tmp_path, {A: b"a", B: b"b"}, labels, train=[A, B], test=[])
    rejection, clip = read_clips(tmp_path)
    reason = f"its relevance of flute is {relevance!r}, not a number from 0 to 1"
    assert rejection == Rejection(path_of(A), reason, "train")
    assert clip.path == path_of(B)


def test_audio_without_labels_and_the_reverse_are_rejected(tmp_path: Path, write_openmic: Writer):
    labels = [f"{B},flute,1.0,3", f"{C},kazoo,1.0,3", f"{C},flute,1.0,3"]
    write_openmic(tmp_path, {A: b"a"}, labels, train=[A, B, C], test=[])
    assert list(read_clips(tmp_path)) == [
        Rejection(path_of(A), "audio without labels: its key is not in the aggregated labels", "train"),
        Rejection(path_of(B), "labels without audio: the archive has no such file"),
        Rejection(path_of(C), "labels without audio: the archive has no such file"),
    ]


def test_audio_that_unpacks_beyond_bounds_is_rejected_alone(tmp_path: Path, write_openmic: Writer):
    clips = {A: bytes(AUDIO_BYTES + 1), B: b"b"}
    write_openmic(tmp_path, clips, [f"{A},flute,1.0,3", f"{B},flute,1.0,3"], train=[A], test=[B])
    first, second = read_clips(tmp_path)
    assert first == Rejection(path_of(A), "it unpacks to 32 MiB; at most 32 MiB are read of such a file", "train")
    assert isinstance(second, SourceClip)


def test_a_table_that_unpacks_beyond_bounds_is_named(
    tmp_path: Path, write_openmic: Writer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parser, "TABLE_BYTES", 20)
    write_openmic(tmp_path, {A: b"a"}, [f"{A},flute,1.0,3"], train=[A], test=[])
    with pytest.raises(ArchiveError, match=r"openmic-2018.*\.csv in .*\.tgz is not the published one: it unpacks to"):
        list(read_clips(tmp_path))


def test_a_clip_of_neither_partition_is_rejected(tmp_path: Path, write_openmic: Writer):
    write_openmic(tmp_path, {A: b"a"}, [f"{A},flute,1.0,3"], train=[], test=[])
    assert list(read_clips(tmp_path)) == [Rejection(path_of(A), "its key is in neither official partition")]


def test_a_clip_of_both_partitions_is_rejected(tmp_path: Path, write_openmic: Writer):
    write_openmic(tmp_path, {A: b"a"}, [f"{A},flute,1.0,3"], train=[A], test=[A])
    (rejection,) = read_clips(tmp_path)
    assert (rejection.path, rejection.reason) == (path_of(A), "its key is in both official partitions")


def test_tracks_that_the_publisher_names_as_corrupted_are_rejected(tmp_path: Path, write_openmic: Writer):
    keys = [f"{track}_46080" for track in sorted(CORRUPTED_TRACKS)]
    labels = [f"{key},flute,1.0,3" for key in [*keys, A]]
    write_openmic(tmp_path, dict.fromkeys([*keys, A], b"a"), labels, train=keys[:4], test=[*keys[4:], A])
    *rejections, clip = read_clips(tmp_path)
    assert len(keys) == 10
    assert rejections == [
        Rejection(
            path_of(key), "its publisher names the source track as corrupted", "train" if key in keys[:4] else "test"
        )
        for key in keys
    ]
    assert clip.path == path_of(A)


def test_both_partitions_are_counted_with_what_is_rejected_of_them():
    described = {"data": b"", "recording": "r", "labels": {}}
    items = [SourceClip(path=path_of(f"{n:06d}_0"), official_split="train", **described) for n in range(14900)]
    items += [Rejection(path_of(f"{n:06d}_0"), "corrupted", "train") for n in range(14900, 14915)]
    items += [SourceClip(path=path_of(f"{n:06d}_0"), official_split="test", **described) for n in range(14915, 20000)]
    labels_alone = Rejection(path_of("020000_0"), "labels without audio: the archive has no such file")
    found = Counter(PUBLISHED.part_of(item) for item in [*items, labels_alone])
    assert found.pop(None) == 1
    assert (PUBLISHED.total, PUBLISHED.differences(found)) == (20000, [])


@pytest.mark.parametrize(
    ("rows", "licence"),
    [
        ([], "unknown"),
        ([f"{B},,Attribution,http://{CC}/by/4.0/"], "unknown"),
        ([f",,Attribution,http://{CC}/by/4.0/"], "unknown"),
        ([f"{A},,,"], "unknown"),
        ([f"{A}"], "unknown"),
        ([f"{A},,Attribution,http://{CC}/by/4.0/,more,than,the,header"], "CC BY 4.0"),
        ([f'{A},"a comma, a ""quote"" and\na line",x,http://{CC}/by-nc/3.0/us/'], "CC BY-NC 3.0 US"),
        ([f"{A},{'long ' * 40000},Attribution,http://{CC}/by/4.0/"], "CC BY 4.0"),
        ([f"{A},,x,http://{CC}/by/4.0/", f"{A},,x,http://{CC}/by/4.0/"], "CC BY 4.0"),
        ([f"{A},,x,http://{CC}/by/4.0/", f"{A},,x,http://{CC}/by/3.0/"], "unknown"),
    ],
)  # fmt: skip
def test_a_licence_that_nobody_tells_is_unknown(tmp_path: Path, write_openmic: Writer, rows: list[str], licence: str):
    write_openmic(tmp_path, {A: b"a"}, [f"{A},flute,1.0,3"], train=[A], test=[], metadata=rows)
    (clip,) = read_clips(tmp_path)
    assert clip.licence == licence


@pytest.mark.parametrize(
    "name",
    [
        *("openmic-2018-aggregated-labels.csv", "openmic-2018-metadata.csv"),
        *("partitions/split01_train.csv", "partitions/split01_test.csv"),
    ],
)
def test_a_missing_table_is_named(tmp_path: Path, write_openmic: Writer, name: str):
    write_openmic(tmp_path, {A: b"a"}, [], train=[A], test=[], leave_out=f"openmic-2018/{name}")
    with pytest.raises(ArchiveError, match=f"holds no openmic-2018/{name}; it is not the published archive"):
        list(read_clips(tmp_path))


def test_a_table_with_other_columns_is_named(tmp_path: Path, write_openmic: Writer):
    write_openmic(tmp_path, {A: b"a"}, [], train=[A], test=[], header="key,instrument")
    with pytest.raises(ArchiveError, match=r"must have the columns sample_key, instrument, relevance; found \['key'"):
        list(read_clips(tmp_path))


def test_metadata_without_licences_are_named(tmp_path: Path, write_openmic: Writer):
    write_openmic(tmp_path, {A: b"a"}, [], train=[A], test=[], metadata_header="sample_key,licence")
    with pytest.raises(
        ArchiveError, match=r"metadata\.csv must have the columns sample_key, license_title, license_url"
    ):
        list(read_clips(tmp_path))


def test_tables_that_are_no_text_are_named(tmp_path: Path, write_tgz):
    tables = {
        "openmic-2018-aggregated-labels.csv": b"sample_key,instrument,relevance\n",
        "openmic-2018-metadata.csv": b"sample_key,license_title,license_url\n",
        "partitions/split01_train.csv": b"",
        "partitions/split01_test.csv": b"",
    }
    for name, text in tables.items():
        broken = tables | {name: text + b"\xff\xfe"}
        write_tgz(tmp_path / ARCHIVE, [(f"openmic-2018/{path}", data) for path, data in broken.items()])
        with pytest.raises(ArchiveError, match=rf"{name} is no .* in UTF-8 \(.*\); it is not the published one"):
            list(read_clips(tmp_path))


def test_a_row_with_too_few_values_is_named(tmp_path: Path, write_openmic: Writer):
    write_openmic(tmp_path, {A: b"a"}, [f"{A},flute"], train=[A], test=[])
    with pytest.raises(
        ArchiveError, match=r"must have as many values in each row as in its header; found \['000046_3840', 'flute'\]"
    ):
        list(read_clips(tmp_path))


def test_the_order_of_columns_does_not_matter(tmp_path: Path, write_openmic: Writer):
    write_openmic(
        tmp_path, {A: b"a"}, [f"0.25,{A},flute"], train=[A], test=[], header="relevance,sample_key,instrument"
    )
    (clip,) = read_clips(tmp_path)
    assert clip.labels == {"flute": 0.25}


def test_a_missing_archive_is_named(tmp_path: Path):
    with pytest.raises(ArchiveError, match=r"openmic-2018-v1\.0\.0\.tgz is missing; run `dvc repro download@openmic`"):
        list(read_clips(tmp_path))


def test_an_archive_that_breaks_off_is_no_archive_with_fewer_clips(tmp_path: Path, write_openmic: Writer):
    clips = {f"{number:06d}_0": bytes([number]) * 2000 for number in range(20)}
    labels = [f"{key},flute,1.0,3" for key in clips]
    path = write_openmic(tmp_path, clips, labels, train=clips, test=[]) / ARCHIVE
    assert len(list(read_clips(tmp_path))) == 20
    data = path.read_bytes()
    for share in (0.01, 0.5, 0.9, 0.99, 0.9999):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ArchiveError, match=r"is truncated or corrupt .*download@openmic"):
            list(read_clips(tmp_path))


def test_the_card_gives_the_archive_with_its_checksum():
    (archive,) = CARD.archives
    assert (archive.name, archive.md5) == (ARCHIVE, "e4ccf187e2bb5ab2e115416e8aafe7f4")
