import json
import runpy
import sys
from pathlib import Path

import pytest
from model_fixtures import Parts
from predicting.made import save

ROOT = Path(__file__).resolve().parents[2]
CHECKED = ("model.safetensors", "model.json", "thresholds.json", "model.onnx")


def test_no_flipped_bit_changes_an_answer_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    save(tmp_path / "data" / "model", Parts(), limit=0.4)
    script = ROOT / "benchmarks" / "bit_flips.py"
    words = ["--count", "30", "--seed", "1", "--model", str(tmp_path / "data" / "model")]
    monkeypatch.setattr(sys, "argv", [str(script), *words])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert not ended.value.code
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)["files"]
    assert list(found) == ["000.npy", *CHECKED]
    for name, counts in found.items():
        assert counts["tried"] == 30 == sum(counts.values()) - 30, name
        assert counts["crashed"] == 0, name
    for name in CHECKED:
        assert found[name]["silent"] == 0, name
        assert found[name]["noticed"] >= 20, name
    assert found["model.safetensors"]["noticed"] == found["model.onnx"]["noticed"] == 30
    assert found["000.npy"]["silent"] > 0, "samples have no checksum; if they have one now, say so in the docs"
