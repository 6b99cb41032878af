"""Archives that their user has unpacked: the same tables and samples, verified by names and counts, pinned by a listing."""

import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from instrumentarium.acquisition.archivecache import provide
from instrumentarium.acquisition.download import describe, render
from instrumentarium.acquisition.unpacked import find_unpacked, list_unpacked
from instrumentarium.corpora.esc50.card import CARD as ESC50
from instrumentarium.corpora.esc50.groups import GROUP_OF
from instrumentarium.corpora.esc50.params import Esc50Groups, Esc50Params
from instrumentarium.corpora.irmas.card import CARD as IRMAS
from instrumentarium.corpora.irmas.params import IrmasParams
from instrumentarium.corpora.irmas.published import PUBLISHED
from instrumentarium.corpora.openmic.card import CARD as OPENMIC
from instrumentarium.corpora.openmic.card import LABELS, METADATA, PARTITIONS
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.card import UNPACKED, Card
from instrumentarium.corpora.source.params import ClipCountParams, Corpus, CorpusParams
from instrumentarium.corpora.source.unpacked import LISTING, UnpackedMembers, listing_of
from instrumentarium.ingestion.ingest import IngestError, ingest_corpus

SIZES: dict[Corpus, tuple[Card, CorpusParams]] = {
    "irmas": (IRMAS, IrmasParams(use=True, train_recordings=2, test_songs=4)),
    "openmic": (OPENMIC, ClipCountParams(use=True, clips=12)),
    "esc50": (ESC50, Esc50Params(use=True, clips=12, groups=Esc50Groups(human=True, tonal=True, other=True))),
}


def unpack(archives: Path, own: Path) -> None:
    """Unpack every archive of a folder as its user would."""
    for path in archives.iterdir():
        if path.suffix == ".zip":
            zipfile.ZipFile(path).extractall(own)
        elif path.suffix == ".tgz":
            with tarfile.open(path) as archive:
                archive.extractall(own, filter="data")


def unchecked(card: Card, own: Path) -> Card:
    """Return a card of those archives that `own` holds, of any size."""
    there = [archive for archive in card.archives if find_unpacked(archive, own)]
    return replace(card, archives=tuple(replace(archive, unpacked_problem=None) for archive in there))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "corpus",
    [pytest.param("irmas", marks=pytest.mark.render), pytest.param("openmic", marks=pytest.mark.render), "esc50"],
)
def test_an_unpacked_archive_gives_the_same_tables_and_samples(tmp_path: Path, cache: Path, corpus: Corpus):
    card, settings = SIZES[corpus]
    raw, own = tmp_path / "raw", tmp_path / "own"
    render(corpus, settings, 7, raw, tmp_path / "truth")
    unpack(raw, own)
    before = contents(own)
    provide(unchecked(card, own), tmp_path / "listed", own)
    found: dict[str, dict[str, bytes]] = {}
    for name in ("raw", "listed"):
        ingest_corpus(corpus, settings, "rendered", tmp_path / name, tmp_path / "clips" / name, 32_000)
        found[name] = contents(tmp_path / "clips" / name)
    cards = [json.loads(files.pop("card.json")) for files in found.values()]
    assert found["raw"] == found["listed"]
    assert len(found["raw"]["clips.csv"].splitlines()) > 10
    archives = {path.name for path in raw.iterdir()} - {"LICENSES.md"}
    assert cards[1].pop("unpacked") == dict.fromkeys(archives, UNPACKED)
    assert cards[0] == cards[1]
    assert contents(own) == before
    assert {path.name for path in (tmp_path / "listed").iterdir()} == {
        "LICENSES.md",
        *(f"{name}.listing.csv" for name in archives),
    }


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    """Return a folder with a clone of ESC-50, its 2,000 clips of one byte each."""
    own = tmp_path / "own"
    rows = ["filename,fold,category,target,esc10,src_file,take"]
    categories = sorted(GROUP_OF)
    (own / "ESC-50" / "audio").mkdir(parents=True)
    for number in range(2000):
        name = f"{number % 5 + 1}-{number}-A-{number % 50}.wav"
        rows.append(f"{name},{number % 5 + 1},{categories[number // 40]},{number // 40},False,{number},A")
        (own / "ESC-50" / "audio" / name).write_bytes(b"x")
    (own / "ESC-50" / "meta").mkdir()
    (own / "ESC-50" / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (own / "ESC-50" / ".git").mkdir()
    (own / "ESC-50" / ".git" / "notes.txt").write_text("of git", encoding="utf-8")
    (own / "ESC-50" / "README.md").write_text("about", encoding="utf-8")
    return own


def test_a_clone_is_listed_by_the_archives_names_and_the_same_everywhere(
    tmp_path: Path, cache: Path, esc50: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "raw"
    provide(ESC50, folder, esc50)
    listing = LISTING.read(listing_of(folder, "ESC-50-master.zip"))
    assert len(listing) == 2001
    row = listing.iloc[0]
    assert row["path"] == "ESC-50-master/audio/1-0-A-0.wav"
    assert row["file"] == "~/own/ESC-50/audio/1-0-A-0.wav"
    assert (row["size"], row["md5"]) == (1, "9dd4e461268c8034f5c8564e155c67a6")  # md5 of "x"
    assert describe(folder) == f"1 unpacked, 2001 files, {UNPACKED}: ESC-50-master.zip"
    assert f"- ESC-50-master.zip, unpacked; {UNPACKED}: <" in (folder / "LICENSES.md").read_text(encoding="utf-8")
    members = UnpackedMembers(listing_of(folder, "ESC-50-master.zip"), "esc50")
    assert members.read(0, 1) == b"x"


def test_what_is_not_as_published_is_named_and_left(tmp_path: Path, cache: Path, esc50: Path):
    (esc50 / "ESC-50" / "audio" / "1-0-A-0.wav").unlink()
    with pytest.raises(
        ArchiveError,
        match=r"own/ESC-50 does not hold the files of ESC-50-master\.zip as published: it must hold 2000 clips, 50 "
        r"categories of 40 and 5 folds of 400; found 1999 clips.*left as it is: unpack the archive anew, which gives the "
        r"folder ESC-50-master, or .*; then run `dvc repro download@esc50`$",
    ):
        provide(ESC50, tmp_path / "raw", esc50)
    assert not (tmp_path / "raw").exists()


def test_a_file_that_has_changed_since_is_refused_when_it_is_read(tmp_path: Path, cache: Path, esc50: Path):
    provide(ESC50, tmp_path / "raw", esc50)
    changed = esc50 / "ESC-50" / "audio" / "5-4-A-4.wav"
    changed.write_bytes(b"y")
    with pytest.raises(
        ArchiveError,
        match=rf"{re.escape(str(changed))} has changed since the listing was written: 1 bytes with md5 .*, 1 "
        r"bytes with md5 .* now; if that is meant, run `dvc repro --force --single-item download@esc50`, then "
        r"`dvc repro`$",
    ):
        ingest_corpus("esc50", SIZES["esc50"][1], "published", tmp_path / "raw", tmp_path / "clips", 32_000)
    changed.unlink()
    with pytest.raises(
        ArchiveError, match=r"was there when the listing was written, and cannot be read now \(No such file"
    ):
        ingest_corpus("esc50", SIZES["esc50"][1], "published", tmp_path / "raw", tmp_path / "clips", 32_000)


def test_counts_of_unpacked_archives_that_are_wrong_are_not_put_down_to_the_parser_alone(
    tmp_path: Path, cache: Path, esc50: Path
):
    card = unchecked(ESC50, esc50)
    (esc50 / "ESC-50" / "audio" / "5-nobody-knows.wav").write_bytes(b"x")
    provide(card, tmp_path / "raw", esc50)
    with pytest.raises(
        IngestError, match="The archives were read unpacked: their files are not those published, or it is"
    ):
        ingest_corpus("esc50", SIZES["esc50"][1], "published", tmp_path / "raw", tmp_path / "clips", 32_000)


def test_an_archive_goes_before_a_folder_and_takes_the_place_of_an_earlier_listing(
    tmp_path: Path, cache: Path, esc50: Path
):
    provide(ESC50, tmp_path / "raw", esc50)
    (esc50 / "ESC-50-master.zip").write_bytes(b"archive")
    (archive,) = ESC50.archives
    assert find_unpacked(archive, esc50) is None
    provide(replace(ESC50, archives=(replace(archive, content_problem=None),)), tmp_path / "raw", esc50)
    assert {path.name for path in (tmp_path / "raw").iterdir()} == {"ESC-50-master.zip", "LICENSES.md"}


def test_a_folder_within_a_folder_of_its_name_is_found(tmp_path: Path):
    archive = IRMAS.archives[0]
    assert find_unpacked(archive, tmp_path) is None
    inner = tmp_path / "IRMAS-TrainingData" / "IRMAS-TrainingData"
    inner.mkdir(parents=True)
    assert find_unpacked(archive, tmp_path) == inner


def test_two_forms_of_one_name_are_refused(tmp_path: Path):
    folder = tmp_path / "IRMAS-TrainingData"
    folder.mkdir()
    for name in ("é.wav", "e\u0301.wav"):
        (folder / name).write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"é\.wav is there twice, in two Unicode forms of the same name"):
        list_unpacked(IRMAS.archives[0], folder, "irmas")


def test_a_name_that_no_table_can_hold_is_refused(tmp_path: Path):
    folder = tmp_path / "IRMAS-TrainingData"
    folder.mkdir()
    (folder / "a\udcff.wav").write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"a\\udcff\.wav' cannot be read: its name is not printable UTF-8"):
        list_unpacked(IRMAS.archives[0], folder, "irmas")


class Named:
    """Members with names, and the content of some."""

    def __init__(self, names: Iterable[str], **texts: bytes) -> None:
        self._members = sorted(names)
        self._texts = texts

    def names(self) -> list[tuple[str, int]]:
        return [(name, number) for number, name in enumerate(self._members)]

    def read(self, member: int, limit: int) -> bytes:
        return self._texts[self._members[member]]

    def close(self) -> None:
        pass


def names_of_training() -> set[str]:
    counts = {part.split()[1]: count for part, count in PUBLISHED.counts.items() if part.startswith("train ")}
    return {
        f"IRMAS-TrainingData/{code}/[{code}][cla]{number:04d}__1.wav"
        for code in counts
        for number in range(counts[code])
    }


def names_of_part_2() -> set[str]:
    return {
        f"IRMAS-TestingData-Part2/Part2/song-{number}.{suffix}" for number in range(1301) for suffix in ("wav", "txt")
    }


CEL = "IRMAS-TrainingData/cel/[cel][cla]0000__1.wav"
LAST = "IRMAS-TestingData-Part2/Part2/song-1300"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (names_of_training(), None),
        (names_of_training() | {"IRMAS-TrainingData/README.txt", "IRMAS-TrainingData/cel/._x.wav"}, None),
        (names_of_training() - {CEL}, "train cel: 388 published, 387 found"),
        (names_of_training() | {"IRMAS-TrainingData/x/a.wav"}, "train x: 0 published, 1 found"),
        (
            names_of_training() - {CEL} | {"IRMAS-TrainingData/cel/a.wav"},
            "1 clips are not named as published, first .*cel/a.wav",
        ),
        (names_of_training() - {CEL} | {CEL.replace("[cel]", "[pia]")}, "1 clips are not named as published, first"),
        (names_of_part_2(), None),
        (names_of_part_2() - {f"{LAST}.wav"}, "test Part2: 1301 published, 1300 found"),
        (names_of_part_2() - {f"{LAST}.txt"}, f"1 label files are missing, first {LAST}.txt"),
        (set(), "train cel: 388 published, 0 found"),
    ],
)
def test_the_names_of_irmas_are_held_to_those_published(names: set[str], problem: str | None):
    check = IRMAS.archives[0].unpacked_problem
    assert check is not None
    found = check(Named(names))
    assert found is None if problem is None else re.match(problem, str(found)), found


@pytest.fixture
def openmic() -> Callable[..., str | None]:
    keys = [f"{number:06d}_0" for number in range(20_000)]
    texts = {
        PARTITIONS["train"]: "\n".join(keys[:14_915]).encode(),
        PARTITIONS["test"]: "\n".join(keys[14_915:]).encode(),
    }
    names = {f"openmic-2018/audio/{key[:3]}/{key}.ogg" for key in keys} | {LABELS, METADATA, *texts}
    check = OPENMIC.archives[0].unpacked_problem
    assert check is not None
    return lambda without=(), more=(), **other: check(Named((names - set(without)) | set(more), **(texts | other)))


def test_the_names_of_openmic_are_held_to_its_partitions(openmic: Callable[..., str | None]):
    first = "openmic-2018/audio/000/000000_0.ogg"
    assert openmic() is None
    assert openmic(without=[METADATA]) == f"it holds no {METADATA}"
    assert openmic(without=[first]) == f"1 clips are missing, first {first}"
    assert (
        openmic(more=["openmic-2018/audio/x.ogg"]) == "1 clips are in neither partition, first openmic-2018/audio/x.ogg"
    )
    assert openmic(**{PARTITIONS["test"]: b"a\nb"}) == (
        "its partitions must hold {'train': 14915, 'test': 5085} keys; found {'train': 14915, 'test': 2}"
    )
    with pytest.raises(ArchiveError, match="is no list of keys in UTF-8"):
        openmic(**{PARTITIONS["test"]: b"\xff"})
