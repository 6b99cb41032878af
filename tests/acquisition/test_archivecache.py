import gzip
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from publisher import Flaw, Publisher

from instrumentarium.acquisition import disk
from instrumentarium.acquisition.archivecache import download, provide, verify
from instrumentarium.corpora.esc50.card import CARD as ESC50
from instrumentarium.corpora.irmas.card import CARD as IRMAS
from instrumentarium.corpora.openmic.card import CARD as OPENMIC
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.card import Archive, Card, Licence


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def archive_of(publisher: Publisher, name: str = "archive.zip") -> Archive:
    return Archive(name, publisher.url, md5(publisher.content))


def card_of(*archives: Archive) -> Card:
    licences = (Licence("everything", "CC BY-NC 3.0", "https://licence", "no commercial use"),)
    return Card("irmas", "IRMAS", "https://page", licences, "Nobody (2000)", archives)


Provide = Callable[..., Path]


@pytest.fixture
def checkout(publisher: Publisher, tmp_path: Path, cache: Path, waits: list[float]) -> Provide:
    """Return a function that provides the publisher's archive, or other ones, in a checkout, and returns the folder."""
    published = card_of(archive_of(publisher))

    def run(name: str = "one", own: Path | None = None, card: Card = published) -> Path:
        provide(card, tmp_path / name, own)
        return tmp_path / name

    return run


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def kept(cache: Path, publisher: Publisher, suffix: str = "") -> Path:
    return cache / "archives" / md5(publisher.content) / f"archive.zip{suffix}"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_archive_is_fetched_verified_kept_and_linked(checkout: Provide, publisher: Publisher, cache: Path):
    folder = checkout()
    assert (folder / "archive.zip").read_bytes() == publisher.content
    assert names(folder) == {"archive.zip", "LICENSES.md"}
    assert kept(cache, publisher).samefile(folder / "archive.zip")
    assert names(kept(cache, publisher).parent) == {"archive.zip", "archive.zip.lock"}


def test_an_archive_is_fetched_once_for_all_checkouts(checkout: Provide, publisher: Publisher):
    checkout("one")
    folder = checkout("two")
    assert (folder / "archive.zip").read_bytes() == publisher.content
    assert publisher.ranges == [None]


def test_an_interrupted_download_goes_on_from_where_it_was(
    checkout: Provide, publisher: Publisher, cache: Path, tmp_path: Path
):
    publisher.flaws.append(Flaw(sends=100_000))
    publisher.always = Flaw(status=500)
    with pytest.raises(
        ArchiveError,
        match=r"^archive\.zip could not be fetched from http://127\.0\.0\.1:\d+/archive\.zip\?download=1: the server "
        r"answers 500 .*What came so far is kept: check the connection and run `dvc repro download@irmas` again, or put "
        r"the file into a folder of yours and name that folder as download\.archives in params\.yaml$",
    ):
        checkout()
    assert kept(cache, publisher, ".part").read_bytes() == publisher.content[:100_000]
    assert not (tmp_path / "one" / "archive.zip").exists()
    publisher.always = Flaw()
    assert (checkout() / "archive.zip").read_bytes() == publisher.content
    assert publisher.ranges[-1] == "bytes=100000-"


def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path, waits: list[float]):
    archive = Archive("archive.zip", "http://127.0.0.1:1/archive.zip", "0" * 32)
    with pytest.raises(
        ArchiveError,
        match=r"archive\.zip could not be fetched from http://127\.0\.0\.1:1/archive\.zip: .*Connection refused",
    ):
        download(archive, tmp_path / "archive.zip", "irmas")


def test_a_wrong_checksum_is_kept_aside_and_the_next_run_starts_afresh(
    checkout: Provide, publisher: Publisher, cache: Path
):
    right, path = publisher.content, kept(cache, publisher)
    publisher.content = b"<html>moved</html>"
    with pytest.raises(
        ArchiveError,
        match=rf"^archive\.zip is not the published archive, or is damaged: md5 {md5(right)} expected, "
        rf"{md5(publisher.content)} found in 18 bytes\. It came from http://.* and was kept as .*archive\.zip\.wrong; run "
        r"`dvc repro download@irmas` to fetch it anew$",
    ):
        checkout()
    assert names(path.parent) == {"archive.zip.wrong", "archive.zip.lock"}
    assert path.with_name("archive.zip.wrong").read_bytes() == b"<html>moved</html>"
    publisher.content = right
    assert (checkout() / "archive.zip").read_bytes() == right
    assert publisher.ranges == [None, None]


def test_what_lies_in_the_cache_is_verified_too(checkout: Provide, publisher: Publisher, cache: Path, tmp_path: Path):
    path = kept(cache, publisher)
    path.parent.mkdir(parents=True)
    path.write_bytes(publisher.content[:-1])
    with pytest.raises(ArchiveError, match=r"is damaged.*kept as .*\.wrong"):
        checkout()
    assert not (tmp_path / "one").exists()
    path.write_bytes(publisher.content)
    assert (checkout() / "archive.zip").read_bytes() == publisher.content
    assert publisher.asked == []


def test_what_is_there_is_verified_before_anything_is_fetched(checkout: Provide, publisher: Publisher, cache: Path):
    other = Archive("other.zip", publisher.url, "0" * 32)
    path = cache / "archives" / other.md5 / "other.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    with pytest.raises(ArchiveError, match=r"other\.zip is not the published archive"):
        checkout(card=card_of(archive_of(publisher), other))
    assert publisher.asked == []
    assert publisher.heads == 0


@pytest.mark.parametrize("whole", [True, False])
def test_an_encoding_that_the_server_adds_is_undone(
    whole: bool, publisher: Publisher, tmp_path: Path, waits: list[float], caplog: pytest.LogCaptureFixture
):
    archive = archive_of(publisher)
    right = publisher.content
    publisher.content, publisher.encoding = gzip.compress(right), "gzip"
    publisher.flaws.append(Flaw(sends=100_000))
    if whole:
        download(archive, tmp_path / "archive.zip", "irmas")
        assert (tmp_path / "archive.zip").read_bytes() == right
        assert names(tmp_path) == {"archive.zip", "archive.zip.lock"}
    else:
        publisher.content = publisher.content[:-10]
        with pytest.raises(ArchiveError, match="kept as"):
            download(archive, tmp_path / "archive.zip", "irmas")
        assert "archive.zip came with Content-Encoding gzip, which could not be undone" in caplog.text
        assert names(tmp_path) == {"archive.zip.wrong", "archive.zip.lock"}


def test_an_archive_that_the_server_only_calls_encoded_stays_as_it_is(
    publisher: Publisher, tmp_path: Path, waits: list[float]
):
    publisher.content, publisher.encoding = gzip.compress(publisher.content), "x-gzip"
    download(archive_of(publisher), tmp_path / "archive.zip", "irmas")
    assert (tmp_path / "archive.zip").read_bytes() == publisher.content


def test_archives_of_ones_own_are_linked_and_nothing_is_fetched(
    checkout: Provide, publisher: Publisher, own: Path, cache: Path
):
    (own / "archive.zip").write_bytes(publisher.content)
    folder = checkout(own=own)
    assert (folder / "archive.zip").samefile(own / "archive.zip")
    assert names(folder) == {"archive.zip", "LICENSES.md"}
    assert publisher.asked == []
    assert publisher.heads == 0
    assert not kept(cache, publisher).exists()


def test_a_wrong_archive_of_ones_own_is_named_and_left_alone(checkout: Provide, publisher: Publisher, own: Path):
    path = own / "archive.zip"
    path.write_bytes(b"another edition")
    before = path.stat()
    with pytest.raises(
        ArchiveError,
        match=rf"archive\.zip is not the published archive, or is damaged: md5 .* expected, {md5(b'another edition')} "
        rf"found in 15 bytes\. It lies in the folder that download\.archives in params\.yaml names, as {path}, and was "
        r"left as it is: put the right file there, or take it away to have it fetched, and run `dvc repro download@irmas`$",
    ):
        checkout(own=own)
    assert path.read_bytes() == b"another edition"
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert names(own) == {"archive.zip"}
    assert publisher.asked == []


def test_what_ones_own_folder_lacks_is_fetched(checkout: Provide, publisher: Publisher, own: Path):
    mine = Archive("mine.zip", "http://127.0.0.1:1/", md5(b"mine"))
    (own / "mine.zip").write_bytes(b"mine")
    folder = checkout(own=own, card=card_of(archive_of(publisher), mine))
    assert names(folder) == {"archive.zip", "mine.zip", "LICENSES.md"}
    assert publisher.ranges == [None]
    assert names(own) == {"mine.zip"}


def test_a_folder_that_is_none_is_named(checkout: Provide, publisher: Publisher, own: Path):
    (own / "file").touch()
    for wrong in (own / "missing", own / "file"):
        with pytest.raises(
            ArchiveError, match=rf"download\.archives in params\.yaml names {wrong}, which is no folder"
        ):
            checkout(own=wrong)
    assert publisher.asked == []


def test_a_folder_in_an_archives_place_is_named(checkout: Provide, own: Path):
    (own / "archive.zip").mkdir()
    with pytest.raises(ArchiveError, match=r"archive\.zip cannot be read: Is a directory"):
        checkout(own=own)


def test_a_file_is_the_same_wherever_it_came_from(checkout: Provide, publisher: Publisher, own: Path):
    (own / "archive.zip").write_bytes(publisher.content)
    folders = checkout("one", own=own), checkout("two")
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def limit_space(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=n_bytes))


def test_too_small_a_disk_is_noticed_before_the_first_byte(
    checkout: Provide, publisher: Publisher, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    limit_space(monkeypatch, 299_999)
    with pytest.raises(
        ArchiveError,
        match=r"^IRMAS does not fit on the disk: 300\.0 kB more must be written to the file system of .*, where 300\.0 kB "
        r"are free\. Free some space, or move the cache with \$INSTRUMENTARIUM_CACHE; then run `dvc repro download@irmas`, "
        r"which goes on from what has come so far$",
    ):
        checkout()
    assert publisher.asked == []
    limit_space(monkeypatch, 300_000)
    checkout()


def test_all_archives_together_must_fit(checkout: Provide, publisher: Publisher, monkeypatch: pytest.MonkeyPatch):
    card = card_of(archive_of(publisher), archive_of(publisher, "second.zip"))
    limit_space(monkeypatch, 599_999)
    with pytest.raises(ArchiveError, match=r"600\.0 kB more must be written"):
        checkout(card=card)
    assert publisher.asked == []
    limit_space(monkeypatch, 600_000)
    checkout(card=card)


def test_an_archive_whose_length_the_server_does_not_state_needs_about_its_usual_size(
    checkout: Provide, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
):
    card = card_of(replace(archive_of(publisher), about_bytes=600_000_000))
    publisher.head_says_length = False
    limit_space(monkeypatch, 599_999_999)
    with pytest.raises(ArchiveError, match=r"600\.0 MB more must be written"):
        checkout(card=card)
    assert publisher.asked == []
    publisher.head_says_length = True  # what the server states counts
    checkout(card=card)


def test_all_published_archives_say_about_how_large_they_are():
    for card in (IRMAS, OPENMIC, ESC50):
        assert all(5e8 < archive.about_bytes < 4e9 for archive in card.archives)


def test_what_has_come_already_needs_no_more_space(
    checkout: Provide, publisher: Publisher, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    publisher.flaws.append(Flaw(sends=100_000))
    publisher.always = Flaw(status=404)
    with pytest.raises(ArchiveError):
        checkout()
    publisher.always = Flaw()
    limit_space(monkeypatch, 199_999)
    with pytest.raises(ArchiveError, match=r"200\.0 kB more"):
        checkout()
    limit_space(monkeypatch, 200_000)
    checkout()


def test_a_length_that_only_the_answer_states_is_checked_there(
    publisher: Publisher, tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
):
    limit_space(monkeypatch, 1000)
    for copy_to, needed in ((None, "300"), (tmp_path / "raw", "600")):
        with pytest.raises(ArchiveError, match=rf"^archive\.zip does not fit on the disk: {needed}\.0 kB more"):
            download(archive_of(publisher), tmp_path / "archive.zip", "irmas", copy_to)
    assert len(publisher.asked) == 2
    assert not (tmp_path / "archive.zip.part").exists()


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError("not on this file system")

    for name in ("link", "symlink"):
        monkeypatch.setattr(disk.os, name, refuse)


def test_where_no_link_is_possible_the_copy_must_fit_too(
    checkout: Provide, publisher: Publisher, own: Path, monkeypatch: pytest.MonkeyPatch
):
    refuse_links(monkeypatch)
    limit_space(monkeypatch, 599_999)  # one file system holds cache and checkout
    with pytest.raises(ArchiveError, match=r"^IRMAS does not fit on the disk: 600\.0 kB more"):
        checkout()
    assert publisher.asked == []
    (own / "archive.zip").write_bytes(publisher.content)
    limit_space(monkeypatch, 299_999)
    with pytest.raises(ArchiveError, match=r"300\.0 kB more"):
        checkout(own=own)
    limit_space(monkeypatch, 600_000)
    folder = checkout()
    assert (folder / "archive.zip").read_bytes() == publisher.content
    assert names(folder) == {"archive.zip", "LICENSES.md"}


def test_a_cache_that_cannot_be_written_to_is_named(publisher: Publisher, tmp_path: Path, waits: list[float]):
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match=r"cannot be written to .*move the cache with \$INSTRUMENTARIUM_CACHE"):
        download(archive_of(publisher), tmp_path / "file" / "archive.zip", "irmas")


def test_the_licence_is_shown_once(
    checkout: Provide, own: Path, publisher: Publisher, caplog: pytest.LogCaptureFixture
):
    (own / "archive.zip").write_bytes(publisher.content)
    checkout("one", own=own)
    assert "IRMAS comes with terms" in caplog.text
    assert "- everything: CC BY-NC 3.0 (<https://licence>): no commercial use" in caplog.text
    caplog.clear()
    checkout("two")
    checkout("three", own=own)
    assert "comes with terms" not in caplog.text


def test_two_threads_that_want_the_same_archive_fetch_it_once(
    checkout: Provide, publisher: Publisher, caplog: pytest.LogCaptureFixture
):
    publisher.flaws.append(Flaw(sends=100_000, stalls=True))  # so that the second comes while the first is at it
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda name=name: folders.append(checkout(name))) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 2
    assert all((folder / "archive.zip").read_bytes() == publisher.content for folder in folders)
    assert publisher.ranges.count(None) == 1
    assert "another process is at" in caplog.text


def test_two_processes_that_want_the_same_archive_fetch_it_once(publisher: Publisher, tmp_path: Path):
    publisher.flaws.append(Flaw(sends=100_000))
    code = (
        "import sys; from pathlib import Path; from instrumentarium.acquisition.archivecache import download; "
        "from instrumentarium.corpora.source.card import Archive; "
        "download(Archive('archive.zip', sys.argv[1], sys.argv[2]), Path(sys.argv[3]), 'irmas')"
    )
    path = tmp_path / "archive.zip"
    command = [sys.executable, "-c", code, publisher.url, md5(publisher.content), str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    assert path.read_bytes() == publisher.content
    assert publisher.ranges.count(None) == 1
    assert names(tmp_path) == {"archive.zip", "archive.zip.lock"}


def test_what_is_fetched_is_logged(checkout: Provide, publisher: Publisher, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        checkout()
    assert f"fetching archive.zip from {publisher.url}" in caplog.text


def write_esc50_meta(
    path: Path, write_zip, clips: int = 2000, header: str = "filename,fold,category", first: str = "0"
) -> Path:
    stems = [first, *map(str, range(1, 2000))]
    rows = [f"{stem}.wav,{number % 5 + 1},{number // 5 % 50}" for number, stem in enumerate(stems)]
    members = [(f"ESC-50-master/audio/{number}.wav", b"sound") for number in range(clips)]
    return write_zip(path, [*members, ("ESC-50-master/meta/esc50.csv", "\n".join([header, *rows]).encode())])


def test_an_archive_without_a_checksum_is_verified_by_its_content(tmp_path: Path, write_zip):
    (archive,) = ESC50.archives
    assert archive.md5 is None
    whole = write_esc50_meta(tmp_path / "whole.zip", write_zip)
    verify(archive, whole)
    for name, wrong in (("fewer", {"clips": 1999}), ("columns", {"header": "file,part,class"})):
        with pytest.raises(
            ArchiveError,
            match=r"^ESC-50-master\.zip is not the published archive, or is damaged: it must hold 2000 clips, 50 "
            "categories of 40 and 5 folds of 400; found ",
        ):
            verify(archive, write_esc50_meta(tmp_path / f"{name}.zip", write_zip, **wrong))
    with pytest.raises(ArchiveError, match="found 0 clips, 0 categories and 0 folds"):
        verify(archive, write_zip(tmp_path / "other.zip", [("README", b"")]))
    with pytest.raises(ArchiveError, match="is no CSV table in UTF-8"):
        verify(archive, write_zip(tmp_path / "bytes.zip", [("ESC-50-master/meta/esc50.csv", b"\xff\xfe")]))
    with pytest.raises(ArchiveError, match="found 0 clips, 1 categories and 1 folds"):
        verify(archive, write_zip(tmp_path / "long.zip", [("ESC-50-master/meta/esc50.csv", b"a,b\n" + 2**18 * b"x")]))
    with pytest.raises(
        ArchiveError, match=r"its ESC-50-master/meta/esc50\.csv names 1 clips that are not there, first x0"
    ):
        verify(archive, write_esc50_meta(tmp_path / "names.zip", write_zip, first="x0"))
    (tmp_path / "page.zip").write_text("<html></html>")
    with pytest.raises(ArchiveError, match=r"it is truncated or corrupt \(File is not a zip file\)$"):
        verify(archive, tmp_path / "page.zip")


def test_one_broken_clip_of_an_archive_without_a_checksum_is_noticed(tmp_path: Path, write_zip):
    whole = write_esc50_meta(tmp_path / "whole.zip", write_zip)
    data = bytearray(whole.read_bytes())
    data[data.index(b"ESC-50-master/audio/1234.wavsound") + len("ESC-50-master/audio/1234.wav")] ^= 1
    broken = tmp_path / "broken.zip"
    broken.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"truncated or corrupt \(Bad CRC-32 for file '.*1234\.wav'\)"):
        verify(ESC50.archives[0], broken)


def test_an_archive_without_a_checksum_is_kept_under_its_corpus(
    publisher: Publisher, checkout: Provide, cache: Path, tmp_path: Path, write_zip
):
    whole = write_esc50_meta(tmp_path / "whole.zip", write_zip)
    publisher.content = whole.read_bytes()
    check = ESC50.archives[0].content_problem
    archive = Archive("ESC-50-master.zip", publisher.url, None, check)
    folder = checkout(card=Card("esc50", "ESC-50", "https://page", (), "nobody", (archive,)))
    assert (cache / "archives" / "esc50" / "ESC-50-master.zip").samefile(folder / "ESC-50-master.zip")
    shutil.rmtree(folder)
    checkout(card=Card("esc50", "ESC-50", "https://page", (), "nobody", (archive,)))
    assert len(publisher.asked) == 1
