"""How stages end: with a message where the user can do something about it, with a traceback where only we can."""

import errno
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import staged, write_json
from instrumentarium.runtime.fulldisk import full_disk
from instrumentarium.runtime.jsonfile import read_json
from instrumentarium.runtime.stage import run


def ended(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> str:
    """Return what is said at the end of `main`, which must be status 1."""
    monkeypatch.setattr("sys.argv", ["stage.py"])
    with caplog.at_level(logging.INFO), pytest.raises(SystemExit) as status:
        run(main)
    assert status.value.code == 1
    return caplog.messages[-1]


def test_an_error_for_people_is_its_message(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def main() -> None:
        raise UserError("clips.csv is missing; run it")

    assert ended(main, monkeypatch, caplog) == "\nError: clips.csv is missing; run it"


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def main() -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("sys.argv", ["stage.py"])
    with pytest.raises(ZeroDivisionError, match="of ours"):
        run(main)


@pytest.mark.parametrize(
    ("number", "cause"), [(errno.ENOSPC, "its disk is full"), (errno.EDQUOT, "your quota on its disk is used up")]
)
def test_a_full_disk_is_named_with_the_file(
    number: int, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(path: Path, data: bytes) -> int:
        raise OSError(number, "no room")

    def main() -> None:
        write_json(tmp_path / "data" / "scores.json", {})

    monkeypatch.setattr(Path, "write_bytes", full)
    said = ended(main, monkeypatch, caplog)
    assert said.startswith(f"\nError: {tmp_path / 'data' / 'scores.json'} could not be written, since {cause} (")
    assert said.endswith("; make room, and run it again")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_full_disk_is_found_behind_another_error():
    error = RuntimeError("the library failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert full_disk(error) == "the output could not be written, since its disk is full; make room, and run it again"
    assert full_disk(OSError(errno.EACCES, "Permission denied")) is None
    assert full_disk(RuntimeError()) is None


def test_of_staged_files_the_place_is_named_that_they_were_for(tmp_path: Path):
    def fill(name: str | None) -> None:
        with staged(tmp_path / "out", ["a.json"]) as staging:
            raise OSError(errno.ENOSPC, "No space left on device", *([] if name is None else [str(staging / name)]))

    for name, place in ((None, "out"), ("a.json", "out/a.json"), ("plots/b.json", "out/plots/b.json")):
        with pytest.raises(OSError, match="No space left") as info:
            fill(name)
        assert info.value.filename == str(tmp_path / place)
        assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_is_really_full_is_named_and_left_as_it_was(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def main() -> None:
        write_json(small_disk / "scores.json", {"text": "x" * 2**20})

    write_json(small_disk / "scores.json", {"text": "earlier"})
    said = ended(main, monkeypatch, caplog)
    assert said.startswith(
        f"\nError: {small_disk / 'scores.json'} could not be written, since its disk is full (0 MB free)"
    )
    assert read_json(small_disk / "scores.json") == {"text": "earlier"}
    assert len(list(small_disk.iterdir())) == 1
