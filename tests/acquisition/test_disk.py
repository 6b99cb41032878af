from pathlib import Path
from types import SimpleNamespace

import pytest

from instrumentarium.acquisition import disk
from instrumentarium.acquisition.disk import can_link, can_link_from, link, shortage, size


def refuse(*args: object) -> None:
    raise OSError("not on this file system")


def test_a_link_takes_the_place_of_an_earlier_one_and_leaves_its_target_alone(tmp_path: Path):
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
    for target in ("old", "old", "new"):
        link(tmp_path / target, tmp_path / "checkout" / "archive.zip")
    assert (tmp_path / "checkout" / "archive.zip").read_text() == "new"
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize("impossible", [(), ("link",), ("link", "symlink")])
def test_where_links_are_impossible_something_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impossible: tuple[str, ...]
):
    for name in impossible:
        monkeypatch.setattr(disk.os, name, refuse)
    kept, path = tmp_path / "kept", tmp_path / "raw" / "archive.zip"
    kept.write_text("content")
    linked = "symlink" not in impossible
    assert can_link(kept, tmp_path / "raw") == linked
    assert can_link_from(tmp_path, tmp_path / "raw") == linked
    link(kept, path)
    assert path.read_text() == "content"
    assert path.is_symlink() == (impossible == ("link",))
    assert path.samefile(kept) == linked
    assert [file.name for file in path.parent.iterdir()] == ["archive.zip"]
    assert {file.name for file in tmp_path.iterdir()} == {"kept", "raw"}


@pytest.mark.parametrize("impossible", [(), ("link",)])
def test_a_link_to_a_link_leads_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impossible: tuple[str, ...]
):
    for name in impossible:
        monkeypatch.setattr(disk.os, name, refuse)
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "own" / "deep" / "file").write_text("content")
    (tmp_path / "own" / "archive.zip").symlink_to(Path("deep") / "file")
    link(tmp_path / "own" / "archive.zip", tmp_path / "raw" / "archive.zip")
    assert (tmp_path / "raw" / "archive.zip").read_text() == "content"


def test_a_relative_path_can_be_linked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(disk.os, "link", refuse)
    Path("kept").write_text("content")
    link(Path("kept"), Path("raw/archive.zip"))
    assert Path("raw/archive.zip").read_text() == "content"


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def break_off(source: Path, target: Path) -> None:
        target.write_text("con")
        raise OSError("no space left")

    for name in ("link", "symlink"):
        monkeypatch.setattr(disk.os, name, refuse)
    monkeypatch.setattr(disk.shutil, "copyfile", break_off)
    (tmp_path / "kept").write_text("content")
    with pytest.raises(OSError, match="no space left"):
        link(tmp_path / "kept", tmp_path / "raw" / "archive.zip")
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (3_300_000_000, "3.3 GB"),
        (10**13, "10.0 TB"),
        (10**17, "100000.0 TB"),
    ],
)
def test_a_size_is_written_in_steps_of_a_thousand(n_bytes: int, text: str):
    assert size(n_bytes) == text


def test_needs_on_one_file_system_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    needs = [(tmp_path / "not" / "there" / "yet", 2_000_000), (tmp_path, 3_000_000)]
    assert shortage(needs) is None
    assert shortage([*needs, (tmp_path / "raw", 1)]) == (
        f"5.0 MB more must be written to the file system of {tmp_path}, where 5.0 MB are free"
    )


def test_every_file_system_counts_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small, large = tmp_path / "small", Path("/proc")
    small.mkdir()
    if not large.exists() or large.stat().st_dev == small.stat().st_dev:
        pytest.skip("no second file system here")
    monkeypatch.setattr(
        disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=10 if path == small else 10_000_000)
    )
    assert shortage([(small, 10), (large, 10_000_000)]) is None
    assert shortage([(large, 1000), (small, 11)]) == (
        f"11 bytes more must be written to the file system of {small}, where 10 bytes are free"
    )


def test_nothing_needs_no_space():
    assert shortage([]) is None


def test_the_free_space_is_the_file_systems_own(tmp_path: Path):
    assert shortage([(tmp_path, 1)]) is None
    assert shortage([(tmp_path, 10**18)]) is not None
