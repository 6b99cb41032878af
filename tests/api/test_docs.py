"""What docs/python.md shows runs as it stands, in the order in which it stands there."""

import re
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_examples_run_in_order(
    model: Path, song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 5
    shutil.copy(song, model.parents[1] / "song.wav")
    monkeypatch.chdir(model.parents[1])
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "gone.wav No such file or directory" in said
    assert "(3, 11)" in said  # half seconds of 1.3 s
    assert re.search(r"\['(zither|bagpipe)'\]", said)
