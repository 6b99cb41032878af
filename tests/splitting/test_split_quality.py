"""The benchmark as its users call it: a listing in, one line of JSON out."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from instrumentarium.runtime.errors import UserError

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "split_quality.py"
ROWS = [
    f"song {song} [live]-{clip}.wav,{'cel-pia' if song % 2 else 'voi'},3.0" for song in range(12) for clip in (1, 2)
]


Main = Callable[..., None]


def written(folder: Path, text: str | bytes) -> Path:
    listing = folder / "listing.csv"
    listing.write_bytes(text if isinstance(text, bytes) else text.encode())
    return listing


def call(folder: Path, text: str | bytes, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(SCRIPT), str(written(folder, text)), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Main]:
    """Return what the script calls, in this process: ten starts of Python would take as long as all else here."""
    path = list(sys.path)
    yield runpy.run_path(str(SCRIPT))["main"]
    sys.path[:] = path


def test_it_prints_one_line_of_json_that_repeats(benchmark: Main, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    text = "\n".join(["filename,labels,duration_s", *ROWS]) + "\n"
    first = call(tmp_path, text)
    benchmark(written(tmp_path, text), seed=0, share=0.5)
    again = capsys.readouterr().out
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) == 1
    metrics = json.loads(first.stdout)
    names = ["ld", "lpd", "prevalence_gap", "fold_size_gap", "seconds", "clips", "songs"]
    assert list(metrics) == names
    assert {name: metrics[name] for name in names if name != "seconds"} == {
        **dict.fromkeys(["ld", "lpd", "prevalence_gap", "fold_size_gap"], 0.0),
        "clips": 24,
        "songs": 12,
    }
    assert {**json.loads(again), "seconds": 0} == {**metrics, "seconds": 0}


def test_seed_and_share_are_options(tmp_path: Path):
    text = "\n".join(["filename,labels", *(row.rpartition(",")[0] for row in ROWS)])
    found = call(tmp_path, text, "--seed", "3", "--share", "0.25")
    assert json.loads(found.stdout)["fold_size_gap"] < 0.35


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", [], "is not a CSV table"),
        (b"filename,labels\n\xff-1.wav,cel\n", [], "is not a CSV table"),
        ("path,labels\na-1.wav,cel\n", [], "has no column filename; it has path, labels"),
        ("path\na-1.wav\n", [], "has no column filename and no column labels"),
        ("filename,labels\na-1.wav,cel\nb.wav,cel\n", [], "1 names that do not end in -<number>.wav: 'b.wav'"),
        ("filename,labels\na-1.wav,cel\na-1.wav,cel\n", [], "1 names that occur more than once: 'a-1.wav'"),
        ("filename,labels\na-1.wav,cel-xyz\nb-1.wav,\n", [], "2 labels other than codes joined by '-'"),
        ("filename,labels\na-1.wav,cel\na-2.wav,cel\n", [], "names 1 songs; there must be two"),
        ("filename,labels\n", [], "names 0 songs; there must be two"),
        ("\n".join(["filename,labels,duration_s", *ROWS]), ["--share", "1"], "--share is 1; it must be above 0"),
    ],
)
def test_what_it_cannot_use_is_named(
    benchmark: Main,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str | bytes,
    options: list[str],
    message: str,
):
    known = {name.removeprefix("--"): float(value) for name, value in zip(options[::2], options[1::2], strict=True)}
    with pytest.raises(UserError, match=re.escape(message)):
        benchmark(written(tmp_path, text), **known)
    assert capsys.readouterr().out == ""


def test_a_missing_listing_is_named_without_a_traceback(tmp_path: Path):
    found = subprocess.run([sys.executable, str(SCRIPT), "nothing.csv"], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 1
    assert "nothing.csv does not exist" in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stdout == ""
