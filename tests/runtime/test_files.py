import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from instrumentarium.runtime.files import (
    SET_ASIDE,
    atomic_path,
    replace_together,
    staged,
    write_folder,
    write_json,
    write_text_atomically,
)


def test_new_content_appears_at_the_end_and_at_once(tmp_path: Path):
    path = tmp_path / "deep" / "file.txt"
    write_text_atomically(path, "old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def write_half(path: Path, error: BaseException) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half of the ne")
        raise error


@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt()])
def test_an_error_keeps_the_old_content_and_leaves_nothing_else(tmp_path: Path, error: BaseException):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_no_new_file(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "file.txt", KeyboardInterrupt())
    assert not list(tmp_path.iterdir())


def test_files_have_the_permissions_that_the_user_wants(tmp_path: Path):
    earlier = os.umask(0o027)
    try:
        write_text_atomically(tmp_path / "file.txt", "text")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640


def test_text_keeps_its_line_ends(tmp_path: Path):
    write_text_atomically(tmp_path / "file.txt", "é\r\n\n")
    assert (tmp_path / "file.txt").read_bytes() == b"\xc3\xa9\r\n\n"


def test_equal_json_has_equal_bytes(tmp_path: Path):
    write_json(tmp_path / "a.json", {"b": 1.5, "a": {"y": [1], "x": "é"}})
    write_json(tmp_path / "b.json", {"a": {"x": "é", "y": [1]}, "b": 1.5})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"a": {"x": "é", "y": [1]}, "b": 1.5}


def test_json_can_keep_the_order_it_was_given(tmp_path: Path):
    write_json(tmp_path / "a.json", {"b": 1, "a": 2}, sort_keys=False)
    assert (tmp_path / "a.json").read_text() == '{\n  "b": 1,\n  "a": 2\n}\n'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_word_for_what_is_not_finite(tmp_path: Path, number: float):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": number})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


PARTS = ("seal", "table", "folder")


def version(folder: Path, text: str) -> Path:
    """Make a folder with all PARTS, each telling `text`."""
    (folder / "folder").mkdir(parents=True)
    for name in ("seal", "table", "folder/file"):
        (folder / name).write_text(text)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


NEW = dict.fromkeys(("folder/file", "seal", "table"), "new")


def test_parts_are_replaced_together_and_the_earlier_ones_kept_aside(tmp_path: Path):
    version(tmp_path / "out", "old")
    (tmp_path / "out" / "other").write_text("untouched")
    replace_together(version(tmp_path / "staging", "new"), tmp_path / "out", PARTS)
    assert contents(tmp_path / "out") == NEW | {"other": "untouched"}
    assert set(contents(tmp_path / "staging" / SET_ASIDE).values()) == {"old"}


def test_parts_come_into_an_empty_folder_and_over_links(tmp_path: Path):
    (tmp_path / "out").mkdir()
    kept = version(tmp_path / "kept", "old")
    for name in PARTS[1:]:
        (tmp_path / "out" / name).symlink_to(kept / name)
    (tmp_path / "out" / "seal").symlink_to(tmp_path / "nowhere")
    replace_together(version(tmp_path / "staging", "new"), tmp_path / "out", PARTS)
    assert contents(tmp_path / "out") == NEW
    assert set(contents(kept).values()) == {"old"}


@pytest.mark.parametrize("had", [(), PARTS, ("table",), ("seal", "folder")])
@pytest.mark.parametrize("moves", range(6))
@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
def test_an_error_at_any_move_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had: tuple[str, ...], moves: int, error: BaseException
):
    version(tmp_path / "old", "old")
    (tmp_path / "out").mkdir()
    for name in had:
        (tmp_path / "old" / name).rename(tmp_path / "out" / name)
    before = contents(tmp_path / "out")
    staging = version(tmp_path / "staging", "new")
    replace, done = Path.replace, 0

    def refuse(path: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done == moves + 1:
            raise error
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    if moves < len(had) + len(PARTS):
        with pytest.raises(type(error)):
            replace_together(staging, tmp_path / "out", PARTS)
        assert contents(tmp_path / "out") == before
    else:
        replace_together(staging, tmp_path / "out", PARTS)
        assert contents(tmp_path / "out") == NEW


KILLED_AFTER = """
import os, sys
from pathlib import Path
from instrumentarium.runtime.files import replace_together
replace, moves = Path.replace, int(sys.argv[1])
def count(path, target):
    global moves
    if not moves:
        os._exit(9)
    moves -= 1
    return replace(path, target)
Path.replace = count
replace_together(Path("staging"), Path("out"), ("seal", "table", "folder"))
"""


@pytest.mark.parametrize("moves", range(7))
def test_a_folder_with_its_seal_is_whole_whenever_the_process_is_killed(tmp_path: Path, moves: int):
    version(tmp_path / "out", "old")
    version(tmp_path / "staging", "new")
    done = subprocess.run([sys.executable, "-c", KILLED_AFTER, str(moves)], cwd=tmp_path)
    assert done.returncode == (9 if moves < 6 else 0)
    found = contents(tmp_path / "out")
    if "seal" in found:
        assert found == dict.fromkeys(NEW, "old" if moves == 0 else "new")
    else:
        assert 0 < moves < 6
    assert len(contents(tmp_path)) == 6  # nothing is lost


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path):
    out = tmp_path / "new" / "out"
    write_folder(out, {"a": b"1", "b": b"2"})
    write_folder(out, {"b": b"3"})
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"b": b"3"}
    with pytest.raises(FileNotFoundError):
        write_folder(out, {"a": b"4", "missing/c": b"5"})
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"b": b"3"}
    assert list(out.parent.iterdir()) == [out]


def test_staged_files_come_together_or_not_at_all(tmp_path: Path):
    with staged(tmp_path, PARTS) as staging:
        version(staging, "new")
        assert not (tmp_path / "seal").exists()
    assert contents(tmp_path) == NEW

    def interrupt() -> None:
        with staged(tmp_path, PARTS) as staging:
            version(staging, "newer")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert contents(tmp_path) == NEW


def test_an_error_without_a_name_or_of_the_temporary_file_names_the_file(tmp_path: Path):
    path = tmp_path / "file.txt"
    for make in (
        lambda temporary: OSError(28, "No space left on device"),
        lambda temporary: OSError(28, "No space left on device", str(temporary)),
        lambda temporary: OSError(28, "No space left on device", None, None, str(temporary)),
    ):
        message = r"\[Errno 28\] No space left on device: '.*/file\.txt'$"
        with pytest.raises(OSError, match=message), atomic_path(path) as temporary:
            raise make(temporary)
    with pytest.raises(OSError, match="other"), atomic_path(path):
        raise OSError(2, "No such file or directory", "other")
    with pytest.raises(OSError, match=r"^only words$"), atomic_path(path):
        raise OSError("only words")
