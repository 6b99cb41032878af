import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str) -> dict:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def test_metrics_equal_scikit_learns_on_random_cases() -> None:
    found = run("metric_equality.py", "--cases", "10", "--seed", "7")
    assert found["within"] is True
    assert found["cases"] == 10
    assert found["comparisons"] > 280
    assert found["undefined_in_both"] > 20
    assert set(found["largest_difference"]) >= {"f1_macro", "lrap", "ap_per_instrument", "false_instrument_rate"}


def test_intervals_are_timed_and_counted() -> None:
    small = ("--resamples", "100", "--collections", "2", "--resamples-each", "100", "--large-songs", "100")
    found = run("bootstrap_intervals.py", *small)
    assert (found["clips"], found["songs"], found["instruments"]) == (2874, 208, 11)
    assert found["seconds"] > 0
    assert all(0 <= share <= 1 for way in ("by_recording", "by_clip") for share in found[way].values())
