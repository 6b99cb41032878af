import json
import runpy
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import sklearn

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """Return what runs a script in this process, for to start another takes longer, and returns what it prints."""

    def run_script(script: str, *arguments: str) -> dict:
        path = ROOT / "benchmarks" / script
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        with sklearn.config_context(), warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        assert not ended.value.code
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return run_script


def test_metrics_equal_scikit_learns_on_random_cases(run: Callable[..., dict]) -> None:
    found = run("metric_equality.py", "--cases", "10", "--seed", "7")
    assert found["within"] is True
    assert found["cases"] == 10
    assert found["comparisons"] > 280
    assert found["undefined_in_both"] > 20
    assert set(found["largest_difference"]) >= {"f1_macro", "lrap", "ap_per_instrument", "false_instrument_rate"}


def test_intervals_are_timed_and_counted(run: Callable[..., dict]) -> None:
    small = ("--resamples", "100", "--collections", "2", "--resamples-each", "100", "--large-songs", "100")
    found = run("bootstrap_intervals.py", *small)
    assert (found["clips"], found["songs"], found["instruments"]) == (2874, 208, 11)
    assert found["seconds"] > 0
    assert all(0 <= share <= 1 for way in ("by_recording", "by_clip") for share in found[way].values())
