import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from model_fixtures import tiny_card, tiny_model
from predicting.made import ladder_of, write_thresholds
from scripts import load_script

from instrumentarium.models.modelfile import save_model
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import IRMAS11

ROOT = Path(__file__).resolve().parents[2]
ROWS = ("notes/a.wav,cel,NSynth", "notes/b.flac,vio,NSynth", "notes/c.wav,cel,FSD", "rain/d.wav,,ESC", "sea/e.wav,,ESC")
NEITHER = ("f.wav,?,me", "g.wav,cel-vio,me", "gone.wav,cel,me")


@pytest.fixture
def folder(tmp_path: Path, tone: Callable[..., object], audio: Callable[..., bytes]) -> Path:
    """Return a folder with an index: three notes, two negatives, three that count as neither."""
    for number, row in enumerate([*ROWS, *NEITHER]):
        path = tmp_path / "real" / row.split(",")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.stem != "gone":
            samples = tone(1.0, hz=200.0 * 1.5**number, peak=0.1 + 0.1 * number)
            path.write_bytes(audio(samples, kind="FLAC" if path.suffix == ".flac" else "WAV"))
    (tmp_path / "real" / "index.csv").write_text("\n".join(["path,labels,source", *ROWS, *NEITHER]), encoding="utf-8")
    return tmp_path / "real"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", tiny_model(seed=3).state_dict(), tiny_card())
    return tmp_path / "model"


def measure(folder: Path, model: Path, *options: str) -> dict:
    command = [sys.executable, str(ROOT / "benchmarks" / "real_notes.py"), str(folder), "--model", str(model), *options]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 1, "one line"
    return json.loads(result.stdout)


def test_the_metrics_are_those_counted_by_hand_from_the_models_scores(folder: Path, model: Path):
    file2timeline = ladder_of(Recognizer.load(model), 0.5).file2timeline
    rows = [row.split(",") for row in ROWS]
    scores = [dict(zip(IRMAS11.codes, file2timeline(folder / path).scores, strict=True)) for path, *_ in rows]
    strongest = [max(score.values()) for score in scores]
    limit = sum(strongest[3:]) / 2  # one of the negatives lies above it
    write_thresholds(model.parent / "thresholds.json", IRMAS11.codes, limit)
    highest = [max(("cel", "vio"), key=score.__getitem__) for score in scores[:3]]
    right = [name == row[1] for name, row in zip(highest, rows, strict=False)]

    found = measure(folder, model)
    assert found["top1"] == pytest.approx(sum(right) / 3, abs=1e-4)
    by_instrument = {"cel": (right[0] + right[2]) / 2, "vio": float(right[1])}
    assert found["per_instrument"] == by_instrument
    assert found["top1_macro"] == pytest.approx(sum(by_instrument.values()) / 2)
    assert found["negatives_with_any"] == 0.5
    assert found["negatives_per_category"] == {"rain": float(strongest[3] > limit), "sea": float(strongest[4] > limit)}
    assert found["clips"] == {"notes": 3, "negatives": 2, "others": 2, "rejected": 1}
    assert {actual: sum(row.values()) for actual, row in found["confusion"].items()} == {"cel": 2, "vio": 1}
    assert all(found["confusion"]["vio"][name] for name in [highest[1]])
    assert found["per_source"] == {
        "ESC": {"clips": 2, "top1": None, "negatives_with_any": 0.5},
        "FSD": {"clips": 1, "top1": float(right[2]), "negatives_with_any": None},
        "NSynth": {"clips": 2, "top1": (right[0] + right[1]) / 2, "negatives_with_any": None},
        "me": {"clips": 2, "top1": None, "negatives_with_any": None},
    }


def test_halves_part_recordings_and_choose_from_the_same_instruments(folder: Path, model: Path):
    recordings = {"a": "one", "b": "two", "c": "three", "d": "four", "e": "five"}
    rows = [f"{row},{recordings[Path(row.split(',')[0]).stem]}" for row in ROWS]
    (folder / "index.csv").write_text("\n".join(["path,labels,source,recording", *rows]), encoding="utf-8")
    write_thresholds(model.parent / "thresholds.json", IRMAS11.codes, 0.5)
    whole = measure(folder, model)
    assert whole["top1_interval"][0] <= whole["top1"] <= whole["top1_interval"][1]
    halves = {half: measure(folder, model, "--half", half) for half in ("choose", "report")}
    for key in ("notes", "negatives"):
        assert sum(half["clips"][key] for half in halves.values()) == whole["clips"][key]
    # cel has two recordings, one for either half; what has one is reported: vio, rain and sea
    assert {half: found["clips"] for half, found in halves.items()} == {
        "choose": {"notes": 1, "negatives": 0, "others": 0, "rejected": 0},
        "report": {"notes": 2, "negatives": 2, "others": 0, "rejected": 0},
    }
    for actual, row in whole["confusion"].items():
        parts = [half["confusion"].get(actual, {}) for half in halves.values()]
        assert {name: sum(part.get(name, 0) for part in parts) for name in row} == row
    assert halves["choose"]["top1_interval"] is None, "a single recording has no spread"


def test_a_half_is_copied_to_be_trained_on_and_says_nothing_of_what_it_lacks(folder: Path, tmp_path: Path):
    rows = [f"{row},{row[6]}" for row in ROWS]
    (folder / "index.csv").write_text("\n".join(["path,labels,source,recording", *rows]), encoding="utf-8")
    script = load_script("benchmarks/real_notes.py")
    for half in ("choose", "report"):
        script.copy_half(folder, script.Half(half), IRMAS11, tmp_path / half)
    copied = {half: pd.read_csv(tmp_path / half / "index.csv", dtype=str) for half in ("choose", "report")}
    both = pd.concat(copied.values())
    assert sorted(both["path"]) == sorted(row.split(",")[0] for row in ROWS)
    assert set(both["split"]) == {"train"}
    for half, table in copied.items():
        for row in table.itertuples():
            assert (tmp_path / half / row.path).read_bytes() == (folder / row.path).read_bytes()
    (chosen,) = copied["choose"].to_dict("records")
    assert chosen["cel"] == "1"
    assert all(pd.isna(chosen[code]) for code in IRMAS11.codes if code != "cel"), "of them it has no note"
    noise = copied["report"].set_index("path").loc["rain/d.wav"]
    assert (noise[list(IRMAS11.codes)] == "0").all()
    with pytest.raises(FileExistsError):
        script.copy_half(folder, script.Half.CHOOSE, IRMAS11, tmp_path / "choose")


def test_a_folder_of_negatives_has_no_instruments_to_choose_from(folder: Path, model: Path):
    rows = ["path,labels,source", *(row for row in ROWS if ",," in row)]
    (folder / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    write_thresholds(model.parent / "thresholds.json", IRMAS11.codes, 0.0)
    found = measure(folder, model)
    assert (found["top1"], found["top1_macro"], found["confusion"], found["per_instrument"]) == (None, None, {}, {})
    assert found["negatives_with_any"] == 1.0
    assert found["clips"] == {"notes": 0, "negatives": 2, "others": 0, "rejected": 0}


def test_a_folder_of_which_nothing_can_be_used_says_so(folder: Path, model: Path):
    for path in folder.glob("*/*.*"):
        path.write_bytes(b"no audio")
    (folder / "index.csv").write_text("\n".join(["path,labels,source", *ROWS]), encoding="utf-8")
    write_thresholds(model.parent / "thresholds.json", IRMAS11.codes, 0.5)
    command = [sys.executable, str(ROOT / "benchmarks" / "real_notes.py"), str(folder), "--model", str(model)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "has no clip that can be used: 5 are rejected (5 × " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_without_index_is_refused(tmp_path: Path, model: Path):
    write_thresholds(model.parent / "thresholds.json", IRMAS11.codes, 0.5)
    command = [sys.executable, str(ROOT / "benchmarks" / "real_notes.py"), str(tmp_path), "--model", str(model)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"{tmp_path / 'index.csv'} does not exist" in result.stderr
    assert "Traceback" not in result.stderr
