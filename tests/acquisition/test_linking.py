from pathlib import Path

import pytest

from instrumentarium.acquisition import linking
from instrumentarium.acquisition.linking import can_link, can_link_from, link


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
        monkeypatch.setattr(linking.os, name, refuse)
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
        monkeypatch.setattr(linking.os, name, refuse)
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "own" / "deep" / "file").write_text("content")
    (tmp_path / "own" / "archive.zip").symlink_to(Path("deep") / "file")
    link(tmp_path / "own" / "archive.zip", tmp_path / "raw" / "archive.zip")
    assert (tmp_path / "raw" / "archive.zip").read_text() == "content"


def test_a_relative_path_can_be_linked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(linking.os, "link", refuse)
    Path("kept").write_text("content")
    link(Path("kept"), Path("raw/archive.zip"))
    assert Path("raw/archive.zip").read_text() == "content"


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def break_off(source: Path, target: Path) -> None:
        target.write_text("con")
        raise OSError("no space left")

    for name in ("link", "symlink"):
        monkeypatch.setattr(linking.os, name, refuse)
    monkeypatch.setattr(linking.shutil, "copyfile", break_off)
    (tmp_path / "kept").write_text("content")
    with pytest.raises(OSError, match="no space left"):
        link(tmp_path / "kept", tmp_path / "raw" / "archive.zip")
    assert list((tmp_path / "raw").iterdir()) == []
