import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_few_hundred_damaged_files_are_accepted_or_refused_with_a_message():
    command = [sys.executable, ROOT / "benchmarks" / "fuzz_files.py", "--count", "300", "--seed", "20"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert result.returncode == 0
    assert found["accepted"] + found["refused"] == found["count"] == 300
    assert found["peak_mb"] < 1000
    assert len(found["kinds"]) == 20
    assert all(
        counts["refused"] for name, counts in found["kinds"].items() if not name.endswith((" members", " clips"))
    )
    assert found["accepted"] > 50, "what is hardly changed is mostly right"
