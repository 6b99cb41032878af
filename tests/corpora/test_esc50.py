from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.corpora.esc50 import parser
from instrumentarium.corpora.esc50.groups import GROUP_OF, GROUPS
from instrumentarium.corpora.esc50.published import PUBLISHED
from instrumentarium.corpora.source.archives import AUDIO_BYTES, ArchiveError
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip

Writer = Callable[..., Path]
DOG, BELLS, ROOSTER = "1-100032-A-0.wav", "5-150000-A-46.wav", "2-100032-B-1.wav"


def read_clips(folder: Path, **switched: bool) -> Source:
    return parser.read_clips(folder, {"human": True, "tonal": True, "other": True} | switched)


def path_of(name: str) -> str:
    return f"ESC-50-master/audio/{name}"


def test_a_clip_is_labelled_with_its_category(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {DOG: b"wow"}, [f"{DOG},1,0,dog,True,100032,A"])
    assert list(read_clips(tmp_path)) == [
        SourceClip(path_of(DOG), b"wow", "100032", {"dog": 1.0}, "fold1", "dog", group="other", licence="CC BY")
    ]


def test_audio_that_unpacks_beyond_bounds_is_rejected_alone(tmp_path: Path, write_esc50: Writer):
    rows = [f"{DOG},1,0,dog,True,100032,A", f"{ROOSTER},2,1,rooster,False,100032,B"]
    write_esc50(tmp_path, {DOG: bytes(AUDIO_BYTES + 1), ROOSTER: b"wow"}, rows)
    first, second = read_clips(tmp_path)
    assert first == Rejection(path_of(DOG), "it unpacks to 32 MiB; at most 32 MiB are read of such a file")
    assert isinstance(second, SourceClip)


def test_clips_of_one_source_file_are_one_recording(tmp_path: Path, write_esc50: Writer):
    rows = [f"{DOG},1,0,dog,True,100032,A", f"{ROOSTER},2,1,rooster,True,100032,B"]
    write_esc50(tmp_path, {DOG: b"wow", ROOSTER: b"kikeriki"}, rows)
    clips = list(read_clips(tmp_path))
    assert [clip.recording for clip in clips] == ["100032", "100032"]
    assert [clip.official_split for clip in clips] == ["fold1", "fold2"]


def test_church_bells_are_music_and_left_out(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {BELLS: b"bim"}, [f"{BELLS},5,46,church_bells,False,150000,A"])
    assert list(read_clips(tmp_path)) == [Rejection(path_of(BELLS), "category church_bells is left out: it is music")]


@pytest.mark.parametrize("group", ["human", "tonal", "other"])
def test_a_group_can_be_switched_off(tmp_path: Path, write_esc50: Writer, group: str):
    files = {category: f"1-{number}-A-{number}.wav" for number, category in enumerate(GROUP_OF)}
    rows = [f"{name},1,0,{category},False,{name},A" for category, name in files.items()]
    write_esc50(tmp_path, dict.fromkeys(files.values(), b"wow"), rows)
    items = {item.path: item for item in read_clips(tmp_path, **{group: False})}
    assert len(items) == 50
    for category, name in files.items():
        item = items[path_of(name)]
        if GROUP_OF[category] == group:
            assert item == Rejection(path_of(name), f"group {group} is switched off: category {category}")
        else:
            assert isinstance(item, Rejection if category == "church_bells" else SourceClip)


def test_church_bells_stay_out_whatever_is_switched_on(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {BELLS: b"bim"}, [f"{BELLS},5,46,church_bells,False,150000,A"])
    (item,) = parser.read_clips(tmp_path, dict.fromkeys(GROUPS, True))
    assert isinstance(item, Rejection)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,0,sitar,True,100032", "unknown category 'sitar': it is none of the 50"),
        ("1,0,dog,maybe,100032", "its esc10 is 'maybe', not True or False, so its licence is unknown"),
        ("1,0,dog,True,", "its src_file is missing, so nobody knows which recording it was cut from"),
        ("1,0", "unknown category '': it is none of the 50"),
    ],
)
def test_a_row_that_leaves_something_open_rejects_its_clip(tmp_path: Path, write_esc50: Writer, row: str, reason: str):
    write_esc50(tmp_path, {DOG: b"wow"}, [f"{DOG},{row}"])
    assert list(read_clips(tmp_path)) == [Rejection(path_of(DOG), reason)]


def test_the_subset_esc10_is_freer_than_the_rest(tmp_path: Path, write_esc50: Writer):
    rows = [f"{DOG},1,0,dog,True,100032,A", f"{ROOSTER},2,1,rooster,False,100033,B"]
    write_esc50(tmp_path, {DOG: b"wow", ROOSTER: b"kikeriki"}, rows)
    assert [clip.licence for clip in read_clips(tmp_path)] == ["CC BY", "CC BY-NC 3.0"]


def test_every_fold_is_counted_with_what_is_left_out_of_it():
    paths = [path_of(f"{fold}-{clip}-A-46.wav") for fold in range(1, 6) for clip in range(400)]
    found = Counter(
        PUBLISHED.part_of(Rejection(path, "why")) for path in [*paths, "ESC-50-master/audio/._1-1-A-46.wav"]
    )
    assert found.pop(None) == 1
    assert (PUBLISHED.total, PUBLISHED.differences(found)) == (2000, [])


def test_audio_without_label_and_the_reverse_are_rejected(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {DOG: b"wow"}, [f"{ROOSTER},2,1,rooster,True,100032,B"])
    assert list(read_clips(tmp_path)) == [
        Rejection(path_of(DOG), "audio without label: the table esc50.csv does not name it"),
        Rejection(path_of(ROOSTER), "label without audio: the archive has no such file"),
    ]


@pytest.mark.parametrize("fold", ["0", "6", "", "one"])
def test_a_fold_that_does_not_exist_rejects_its_clip(tmp_path: Path, write_esc50: Writer, fold: str):
    write_esc50(tmp_path, {DOG: b"wow"}, [f"{DOG},{fold},0,dog,True,100032,A"])
    assert list(read_clips(tmp_path)) == [Rejection(path_of(DOG), f"its fold is {fold!r}, not 1 to 5")]


def test_an_archive_without_its_table_is_not_the_published_one(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {DOG: b"wow"}, [], header=None)
    with pytest.raises(ArchiveError, match=r"holds no ESC-50-master/meta/esc50\.csv; it is not the published archive"):
        list(read_clips(tmp_path))


def test_a_table_with_other_columns_is_named(tmp_path: Path, write_esc50: Writer):
    write_esc50(tmp_path, {DOG: b"wow"}, [], header="filename,class")
    with pytest.raises(
        ArchiveError,
        match=r"must have the columns filename, fold, category, esc10, src_file; found \['filename', 'class'\]",
    ):
        list(read_clips(tmp_path))


def test_a_missing_archive_is_named(tmp_path: Path):
    with pytest.raises(ArchiveError, match=r"ESC-50-master\.zip is missing; run `dvc repro download@esc50`"):
        list(read_clips(tmp_path))


def test_a_truncated_archive_is_named(tmp_path: Path, write_esc50: Writer):
    path = write_esc50(tmp_path, {DOG: b"wow"}, [f"{DOG},1,0,dog,True,100032,A"]) / "ESC-50-master.zip"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match=r"ESC-50-master\.zip is truncated or corrupt"):
        list(read_clips(tmp_path))
