"""What docs/predicting.md shows runs as it stands."""

import re
import shutil
from pathlib import Path

import pytest

from instrumentarium.predicting.choices import Format
from taxonomies import IRMAS11

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predicting.md"


def test_the_example_of_the_ladder_runs(
    model: Path, song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copy(song, model.parents[1] / "song.wav")
    monkeypatch.chdir(model.parents[1])
    exec(compile(example, str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    assert "gone.wav No such file or directory" in said
    assert all(f"{code} 0.0 1.3" in said for code in IRMAS11.codes)


def test_the_formats_it_lists_are_those_there_are():
    formats, _ = PAGE.read_text(encoding="utf-8").split("## The timeline")
    listed = re.findall(r"^\| `(\w+)` \|", formats, re.MULTILINE)
    assert listed == [format_.value for format_ in Format]
