import csv
import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.corpora.irmas.card import CARD
from instrumentarium.corpora.irmas.parser import TRAIN_NAME, read_clips
from instrumentarium.corpora.irmas.published import CODES, PUBLISHED
from instrumentarium.corpora.source.archives import AUDIO_BYTES, LABEL_BYTES, ArchiveError
from instrumentarium.corpora.source.members import Rejection, SourceClip
from instrumentarium.ingestion.ingest import IngestError, ingest
from instrumentarium.tables.schemas import CLIPS

LISTINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "irmas"
Writer = Callable[..., Path]
TRAINING = "IRMAS-TrainingData"
TESTING = "IRMAS-TestingData-Part1/Part1"


def of(items: list[SourceClip | Rejection], kind: type) -> dict:
    return {item.path: item for item in items if isinstance(item, kind)}


@pytest.mark.parametrize(
    ("name", "instrument", "drums", "genre", "recording"),
    [
        ("008__[cel][nod][cla]0058__1.wav", "cel", "no", "cla", "0058"),
        ("[cla][cla]0150__3.wav", "cla", "unknown", "cla", "0150"),
        ("[gel][dru][pop_roc]0829__2.wav", "gel", "yes", "pop_roc", "0829"),
        ("[voi][---][jaz_blu]2311__1.wav", "voi", "unknown", "jaz_blu", "2311"),
        ("110__[tru][lat_sou]2000__1.wav", "tru", "unknown", "lat_sou", "2000"),
        # an annotation number before a drum tag; the genre that is called as the clarinet is; the lowest numbers
        ("999__[cla][---][cla]0000__1.wav", "cla", "unknown", "cla", "0000"),
        ("000__[cla][dru][cla]9999__3.wav", "cla", "yes", "cla", "9999"),
        ("[cla][nod][cou_fol]0001__2.wav", "cla", "no", "cou_fol", "0001"),
        ("[voi][cla]0001__1.wav", "voi", "unknown", "cla", "0001"),
    ],
)
def test_a_training_name_tells_everything(
    tmp_path: Path, write_irmas: Writer, name: str, instrument: str, drums: str, genre: str, recording: str
):
    path = f"{TRAINING}/{instrument}/{name}"
    (clip,) = read_clips(write_irmas(tmp_path, train=[(path, b"sound")]))
    labels = {instrument: 1.0}
    assert clip == SourceClip(
        path, b"sound", f"train-{recording}", labels, "train", genre, drums, licence="CC BY-NC-SA 3.0"
    )


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("cel/cello solo.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][cla]58__1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][cla]0058__4.wav", r"its name does not follow the training grammar"),
        ("ban/[ban][dru][cou_fol]0058__1.wav", r"unknown instrument code 'ban'; known: cel cla flu .* voi"),
        ("cla/[cel][nod][cla]0058__1.wav", r"its name says 'cel', its folder 'cla'"),
        # nearly right: each of these a pattern without anchors or escapes would take
        ("cel/[cel][nod][cla]0058__1.wav.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][cla]00058__1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][cla]0058_1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][xxx][cla]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][pop]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][dru][nod][cla]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/01__[cel][nod][cla]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/._[cel][nod][cla]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/[CEL][nod][cla]0058__1.wav", r"its name does not follow the training grammar"),
        ("cel/[cel][nod][cla]٠٠٥٨__1.wav", r"its name does not follow the training grammar"),
    ],
)
def test_a_training_clip_that_cannot_be_trusted_is_rejected(
    tmp_path: Path, write_irmas: Writer, path: str, reason: str
):
    (item,) = read_clips(write_irmas(tmp_path, train=[(f"{TRAINING}/{path}", b"sound")]))
    assert isinstance(item, Rejection)
    assert item.path == f"{TRAINING}/{path}"
    assert re.match(reason, item.reason)


def test_a_testing_clip_says_what_plays_and_what_does_not(tmp_path: Path, write_irmas: Writer):
    test = [("Song, a [live]-12.wav", b"sound"), ("Song, a [live]-12.txt", b"gel\t\nvoi\t\n")]
    clip = of(list(read_clips(write_irmas(tmp_path, test=test))), SourceClip)[f"{TESTING}/Song, a [live]-12.wav"]
    assert clip.recording == "test-Song, a [live]"
    assert clip.official_split == "test"
    assert clip.labels == {code: float(code in {"gel", "voi"}) for code in CODES}
    assert (clip.genre, clip.drums) == ("", "unknown")


def test_a_song_is_its_name_without_the_clips_number(tmp_path: Path, write_irmas: Writer):
    names = ["a-b-1", "a-b-23", "a-b", "02 - a - 3-1"]
    test = [(name + suffix, data) for name in names for suffix, data in ((".wav", b"sound"), (".txt", b"pia\t\n"))]
    clips = of(list(read_clips(write_irmas(tmp_path, train=[], test=test))), SourceClip)
    songs = {path.removeprefix(f"{TESTING}/").removesuffix(".wav"): clip.recording for path, clip in clips.items()}
    assert songs == {"a-b-1": "test-a-b", "a-b-23": "test-a-b", "a-b": "test-a-b", "02 - a - 3-1": "test-02 - a - 3"}


def test_names_are_composed_on_both_sides(tmp_path: Path, write_irmas: Writer):
    decomposed = unicodedata.normalize("NFD", "Canção-1")
    test = [(f"{decomposed}.wav", b"sound"), ("Canção-1.txt", b"voi\t\n")]
    (clip,) = read_clips(write_irmas(tmp_path, train=[], test=test))
    assert (clip.path, clip.recording) == (f"{TESTING}/Canção-1.wav", "test-Canção")


ODD_SONGS = (
    "01 - Señora, ¿qué?",
    "Müller & Söhne - Ça ira",
    "Åkerø (live)  take 2",
    "a, b, and c",
    "it's   'theirs'",
    "What [remix] (feat. X) {v2}",
    "Mr. Smith, vol. 2",
    "ends with a dot.",
    "...dots first",
    "100% #1 ~ hits; now! @ home = yes + no",
    "1-2-3",
    "07",
    "a--b",
    " leading and trailing ",
    "[gel][dru][pop_roc]0001__1",
    "name.wav",
    "name.txt",
    "ひとり",
)
"""Names of songs with everything that file systems allow and programs stumble over."""


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_odd_names_of_songs_are_read_as_they_are(tmp_path: Path, write_irmas: Writer, form: str):
    named = [f"{song}-{number}" for song in ODD_SONGS for number in (1, 12)]
    test = [
        (unicodedata.normalize(form, name) + suffix, data)
        for name in named
        for suffix, data in ((".wav", b"sound"), (".txt", b"gel\t\nvoi\t\n"))
    ]
    items = list(read_clips(write_irmas(tmp_path, train=[], test=test)))
    assert {item.path: getattr(item, "recording", item) for item in items} == {
        f"{TESTING}/{song}-{number}.wav": f"test-{song}" for song in ODD_SONGS for number in (1, 12)
    }


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (b"gel\t\nsitar\t\n", "its label file holds unknown instrument code 'sitar'; known: cel cla"),
        (b"GEL\t\n", "its label file holds unknown instrument code 'GEL'"),
        (b"\xff\xfe", "its label file holds unknown instrument code"),
        (b"\t\n", "its label file holds no instrument code"),
    ],
)
def test_a_label_file_that_says_nothing_known_rejects_its_clip(
    tmp_path: Path, write_irmas: Writer, labels: bytes, reason: str
):
    folder = write_irmas(tmp_path, train=[], test=[("a-1.wav", b"sound"), ("a-1.txt", labels)])
    (item,) = read_clips(folder)
    assert isinstance(item, Rejection)
    assert item.reason.startswith(reason)


def test_what_unpacks_beyond_bounds_rejects_its_clip_alone(tmp_path: Path, write_irmas: Writer):
    test = [
        *[("a-1.wav", b"sound"), ("a-1.txt", b"gel\t\n" + bytes(LABEL_BYTES))],
        *[("b-1.wav", bytes(AUDIO_BYTES + 1)), ("b-1.txt", b"gel\t\n")],
        *[("c-1.wav", b"sound"), ("c-1.txt", b"gel\t\n")],
    ]
    name = "[cel][nod][cla]0058__1.wav"
    train = [(f"{TRAINING}/cel/{name}", bytes(AUDIO_BYTES + 1))]
    items = list(read_clips(write_irmas(tmp_path, train=train, test=test)))
    assert list(of(items, SourceClip)) == [f"{TESTING}/c-1.wav"]
    size = "it unpacks to 32 MiB; at most 32 MiB are read of such a file"
    assert {path: item.reason for path, item in of(items, Rejection).items()} == {
        f"{TESTING}/a-1.wav": "its label file cannot be used: it unpacks to 1 MiB; at most 1 MiB are read of such a file",
        f"{TESTING}/b-1.wav": size,
        f"{TRAINING}/cel/{name}": size,
    }


def test_audio_without_a_label_file_and_the_reverse_are_rejected(tmp_path: Path, write_irmas: Writer):
    test = [("a-1.wav", b"sound"), ("b-2.txt", b"gel\t\n"), ("c-3.wav", b"sound"), ("c-3.txt", b"gel\t\n")]
    items = list(read_clips(write_irmas(tmp_path, train=[], test=test)))
    assert of(items, Rejection) == {
        f"{TESTING}/a-1.wav": Rejection(
            f"{TESTING}/a-1.wav", "audio without label file: there is no .txt of this name"
        ),
        f"{TESTING}/b-2.txt": Rejection(
            f"{TESTING}/b-2.txt", "label file without audio: there is no .wav of this name"
        ),
    }
    assert list(of(items, SourceClip)) == [f"{TESTING}/c-3.wav"]


def test_all_testing_parts_there_are_are_read(tmp_path: Path, write_irmas: Writer, write_zip: Writer):
    write_irmas(tmp_path, test=[("a-1.wav", b"1"), ("a-1.txt", b"gel\t\n")])
    part = "IRMAS-TestingData-Part3/Part3"
    write_zip(tmp_path / "IRMAS-TestingData-Part3.zip", [(f"{part}/b-1.wav", b"3"), (f"{part}/b-1.txt", b"voi\t\n")])
    clips = [clip for clip in read_clips(tmp_path) if clip.official_split == "test"]
    assert [clip.path for clip in clips] == [f"{TESTING}/a-1.wav", f"{part}/b-1.wav"]


def test_missing_archives_are_named(tmp_path: Path, write_irmas: Writer):
    with pytest.raises(ArchiveError, match=r"IRMAS-TrainingData\.zip is missing; run `dvc repro download@irmas`"):
        list(read_clips(tmp_path))
    write_irmas(tmp_path)
    (tmp_path / "IRMAS-TestingData-Part1.zip").unlink()
    with pytest.raises(ArchiveError, match=r"holds no IRMAS-TestingData-Part<n>\.zip; run `dvc repro download@irmas`"):
        list(read_clips(tmp_path))


def test_a_truncated_archive_is_named(tmp_path: Path, write_irmas: Writer):
    path = write_irmas(tmp_path) / "IRMAS-TestingData-Part1.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match=r"IRMAS-TestingData-Part1\.zip is truncated or corrupt"):
        list(read_clips(tmp_path))


def test_the_card_gives_every_archive_with_its_checksum():
    assert [archive.name for archive in CARD.archives] == [
        "IRMAS-TrainingData.zip",
        *(f"IRMAS-TestingData-Part{part}.zip" for part in (1, 2, 3)),
    ]
    assert all(archive.md5 is not None and len(archive.md5) == 32 for archive in CARD.archives)
    assert all(f"/1290750/files/{archive.name}" in archive.url for archive in CARD.archives)


def test_members_are_counted_by_their_folder():
    def part(path: str) -> str | None:
        return PUBLISHED.part_of(Rejection(path, "why"))

    assert part("IRMAS-TrainingData/cla/[cla][nod][cla]0150__1.wav") == "train cla"
    assert part("IRMAS-TrainingData/cla/no name.wav") == "train cla"
    assert part("IRMAS-TestingData-Part2/Part2/Part1-1.wav") == "test Part2"
    for path in ("Part2/a-1.txt", "README.txt", "cla/._[cla][nod][cla]0150__1.wav"):
        assert part(f"IRMAS-TestingData-Part2/{path}") is None
    assert PUBLISHED.total == 6705 + 2874


def test_the_instruments_of_testing_clips_are_counted(tmp_path: Path, write_irmas: Writer):
    test = [("a-1.wav", b""), ("a-1.txt", b"voi\t\npia\t\n"), ("b-1.wav", b""), ("b-1.txt", b"xyz\t\n")]
    train = [("IRMAS-TrainingData/cla/[cla][nod][cla]0150__1.wav", b"")]
    met = {item.path: sorted(PUBLISHED.met(item)) for item in read_clips(write_irmas(tmp_path, train=train, test=test))}
    assert list(met.values()) == [
        ["train cla"],
        ["test Part1", "test with pia", "test with voi"],
        ["test Part1"],
    ]
    assert sum(PUBLISHED.labels.values()) == 4917


def test_one_clip_too_few_or_in_another_part_is_a_difference():
    found = PUBLISHED.counts | PUBLISHED.labels | {"train cel": 387, "test Part1": 808, "train ban": 1}
    assert PUBLISHED.differences(found) == [
        "train cel: 388 published, 387 found",
        "test Part1: 807 published, 808 found",
        "train ban: 0 published, 1 found",
    ]
    assert PUBLISHED.differences(PUBLISHED.counts) == [
        f"test with {code}: {count} published, 0 found"
        for code, count in zip(CODES, (111, 62, 163, 535, 942, 361, 995, 326, 167, 211, 1044), strict=True)
    ]
    assert PUBLISHED.differences(PUBLISHED.counts | PUBLISHED.labels) == []


@pytest.fixture(scope="module")
def listings() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the names of all published clips: training paths, testing names with their codes."""
    if not LISTINGS.is_dir():
        pytest.skip("the published listings are not beside this checkout")
    train, test = (
        list(csv.DictReader((LISTINGS / f"{part}-listing.csv").open(encoding="utf-8"))) for part in ("train", "test")
    )
    return [row["path"] for row in train], [(row["filename"], row["labels"]) for row in test]


def test_every_published_training_name_is_read(tmp_path: Path, write_irmas: Writer, listings):
    paths, _ = listings
    items = list(read_clips(write_irmas(tmp_path, train=[(path, path.encode()) for path in paths])))
    assert len(items) == len(of(items, SourceClip)) == 6705
    assert Counter(code for clip in items for code in clip.labels) == {
        "cel": 388,
        "cla": 505,
        "flu": 451,
        "gac": 637,
        "gel": 760,
        "org": 682,
        "pia": 721,
        "sax": 626,
        "tru": 577,
        "vio": 580,
        "voi": 778,
    }
    assert Counter(clip.genre for clip in items) == {
        "pop_roc": 2476,
        "jaz_blu": 2030,
        "cla": 1675,
        "cou_fol": 482,
        "lat_sou": 42,
    }
    recordings = Counter(clip.recording for clip in items)
    assert len(recordings) == 2261
    folders = defaultdict(set)
    for clip in items:
        folders[clip.recording].add(clip.path.split("/")[1])
    assert all(len(found) == 1 for found in folders.values())
    annotated = [clip for clip in items if TRAIN_NAME.match(clip.path.split("/")[-1])["annotation"]]
    assert len(annotated) == 1894
    assert Counter(clip.drums for clip in annotated) == {"no": 990, "yes": 892, "unknown": 12}
    assert all(clip.data == clip.path.encode() for clip in items)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_every_published_testing_name_is_read(tmp_path: Path, write_irmas: Writer, listings, form: str):
    _, named = listings
    test = []
    for name, codes in named:
        written = unicodedata.normalize(form, name)
        test.append((written, b"sound"))
        test.append((written.removesuffix(".wav") + ".txt", codes.replace("-", "\t\n").encode() + b"\t\n"))
    items = list(read_clips(write_irmas(tmp_path, train=[], test=test)))
    clips = of(items, SourceClip)
    assert len(items) == len(clips) == 2874
    songs = Counter(clip.recording for clip in clips.values())
    assert len(songs) == 208
    assert max(songs.values()) == 47
    present = {path: {code for code, relevance in clip.labels.items() if relevance} for path, clip in clips.items()}
    assert all(unicodedata.is_normalized("NFC", path) for path in clips)
    assert {path: "-".join(sorted(codes)) for path, codes in present.items()} == {
        f"{TESTING}/{unicodedata.normalize('NFC', name)}": "-".join(sorted(codes.split("-"))) for name, codes in named
    }
    assert Counter(len(codes) for codes in present.values()) == {1: 1236, 2: 1278, 3: 318, 4: 39, 5: 3}
    assert Counter(code for codes in present.values() for code in codes) == {
        "voi": 1044,
        "pia": 995,
        "gel": 942,
        "gac": 535,
        "org": 361,
        "sax": 326,
        "vio": 211,
        "tru": 167,
        "flu": 163,
        "cel": 111,
        "cla": 62,
    }
    assert all(len(clip.labels) == 11 for clip in clips.values())


def test_the_published_collection_is_ingested_whole(tmp_path: Path, write_zip, tone, audio, listings):
    """Every published name, in the published layout, with a tenth of a second of sound each."""
    paths, named = listings
    sound = audio(tone(0.1, rate=8000), 8000)
    write_zip(tmp_path / "raw" / f"{TRAINING}.zip", [(path, sound) for path in paths])
    waiting = iter(named)
    for part, count in (("Part1", 807), ("Part2", 1301), ("Part3", 766)):  # no listing says which clip is in which part
        folder = f"IRMAS-TestingData-{part}/{part}"
        members = []
        for name, codes in itertools.islice(waiting, count):
            decomposed = unicodedata.normalize("NFD", name)
            members.append((f"{folder}/{decomposed}", sound))
            members.append((f"{folder}/{decomposed[:-4]}.txt", codes.replace("-", "\t\n").encode() + b"\t\n"))
        write_zip(tmp_path / "raw" / f"IRMAS-TestingData-{part}.zip", members)
    result = ingest("irmas", read_clips(tmp_path / "raw"), tmp_path / "clips", 8000, PUBLISHED)
    assert result.rejected == []
    assert len(CLIPS.read(tmp_path / "clips" / "clips.csv")) == 9579
    assert result.against(PUBLISHED).startswith("counts as published: 9579 audio files (train cel 388, ")
    assert "test with voi 1044" in result.against(PUBLISHED)
    (tmp_path / "raw" / "IRMAS-TestingData-Part2.zip").unlink()
    write_zip(tmp_path / "raw" / f"{TRAINING}.zip", [(path, b"") for path in paths])  # no sound: counted all the same
    with pytest.raises(
        IngestError,
        match=r"12 counts differ from the published ones: test Part2: 1301 published, 0 found; test with cel",
    ):
        ingest("irmas", read_clips(tmp_path / "raw"), tmp_path / "clips", 8000, PUBLISHED)
    assert len(CLIPS.read(tmp_path / "clips" / "clips.csv")) == 9579
