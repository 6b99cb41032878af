"""A few hundred damaged files through the decoder; benchmarks/fuzz_audio.py tries as many as one likes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import fuzz_audio


def test_no_damage_ends_or_stops_the_decoder() -> None:
    found = fuzz_audio.fuzz(0, 240, seed=1, memory_mb=2000, seconds=60.0)
    assert (found["crashed"], found["hung"], found["bad"], found["chatter_bytes"]) == (0, 0, [], 0)
    assert found["tried"] == 240 == found["decoded"] + found["refused"]
    assert min(found["decoded"], found["refused"]) > 20


def test_what_ends_or_stops_the_child_is_counted_and_the_rest_still_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import os, sys, time\n"
        "first = int(sys.argv[sys.argv.index('--only') + 1])\n"
        "for number in range(first, 6):\n"
        "    if number == 1: os.abort()\n"
        "    if number == 3: time.sleep(60)\n"
        "    print(number, 50, 'crashed KeyError: 1' if number == 4 else 'decoded', flush=True)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(fuzz_audio, "__file__", str(child))
    found = fuzz_audio.fuzz(0, 6, seed=0, memory_mb=2000, seconds=3.0)
    assert (found["tried"], found["decoded"], found["crashed"], found["hung"]) == (6, 3, 2, 1)
    assert [line.split(":")[0] for line in found["bad"]] == ["1", "3", "4"]


def test_a_case_depends_on_seed_and_number_alone() -> None:
    files = [bytes(range(256)) * 20, b"OggS" + bytes(5000)]
    assert fuzz_audio.damaged(files, 3, 5) == fuzz_audio.damaged(files, 3, 5)
    assert fuzz_audio.damaged(files, 3, 5) != fuzz_audio.damaged(files, 3, 7)


def test_it_prints_one_line(tmp_path: Path) -> None:
    script = Path(fuzz_audio.__file__)
    result = subprocess.run([sys.executable, script, "--only", "4"], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)["tried"] == 1
