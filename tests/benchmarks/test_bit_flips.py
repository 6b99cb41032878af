import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from model_fixtures import Parts
from predicting.made import save

from instrumentarium.corpora.source.members import SourceClip
from instrumentarium.ingestion.ingest import ingest

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("weights", "model.json", "thresholds", "onnx", "shards")
"""Those that need no run of the pipeline: tests/test_verify.py tries what finds the others."""


def test_no_flipped_bit_changes_an_answer_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tone, audio
):
    save(tmp_path / "data" / "model", Parts(), limit=0.4)
    clips = [
        SourceClip(f"{hz}.wav", audio(tone(0.2, hz, 32000), 32000), "a", {"voi": 1.0}, "train") for hz in (300, 500)
    ]
    ingest("irmas", iter(clips), tmp_path / "data" / "clips" / "miniature" / "irmas", 32000)
    script = ROOT / "benchmarks" / "bit_flips.py"
    words = ["--count", "30", "--seed", "1", "--checkout", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [str(script), *words, *(f"--kind={kind}" for kind in KINDS)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert not ended.value.code
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert list(found["kinds"]) == list(KINDS)
    for kind, counts in found["kinds"].items():
        assert counts["tried"] == 30 == sum(counts.values()) - 30, kind
        assert (counts["crashed"], counts["silent"]) == (0, 0), kind
        assert counts["noticed"] >= 20, kind
    assert found["kinds"]["weights"]["noticed"] == found["kinds"]["onnx"]["noticed"] == 30
    assert found["total"]["tried"] == 150


def test_a_flip_that_nobody_notices_is_counted_as_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    flip_bits = runpy.run_path(str(ROOT / "benchmarks" / "bit_flips.py"))["flip_bits"]
    path = tmp_path / "file"
    path.write_bytes(b"abcd")
    status = path.stat()
    reads = []

    def read(path: Path) -> bytes:
        reads.append(path.stat().st_mtime_ns)
        return path.read_bytes()[:2]

    counts = flip_bits("file", [path], read, 20, np.random.default_rng(0))
    assert counts["silent"] + counts["harmless"] == 20
    assert 4 <= counts["silent"] <= 16
    assert set(reads) == {status.st_mtime_ns}
    assert path.read_bytes() == b"abcd"
