import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_fixtures import tiny_card, tiny_model
from predicting.made import write_thresholds
from scripts import load_script

from instrumentarium.models.modelfile import save_model
from taxonomies import IRMAS11

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    return load_script("benchmarks/notes_gain.py")


def notes_of(script, truth: list[int], recordings: list[str]):
    """Return notes of which those with truth -1 are negatives."""
    places = np.array(truth)
    clips = pd.DataFrame({"recording_id": recordings})
    return script.Notes(clips, np.unique(places[places >= 0]), places >= 0, places, places < 0, places.astype(str), 0)


def hits_of(right: list[int], predicted: list[int]) -> dict[str, np.ndarray]:
    return {"right": np.array(right, dtype=bool), "predicted": np.array(predicted, dtype=bool)}


def test_metrics_are_those_counted_by_hand(script):
    notes = notes_of(script, [0, 0, 0, 1, -1, -1], [*"abcdef"])
    base = [hits_of([1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]), hits_of([1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 1])]
    other = [hits_of([1, 1, 1, 1, 0, 0], [0] * 6), hits_of([1, 1, 1, 0, 0, 0], [0] * 6)]
    found = script.compared(notes, base, other)
    assert found["top1"]["by_model"] == [[0.5, 0.75], [1.0, 0.75]]
    assert (found["top1"]["base"], found["top1"]["other"], found["top1"]["difference"]) == (0.625, 0.875, 0.25)
    assert found["top1_macro"]["by_model"] == [[0.6667, 0.8333], [1.0, 0.5]]
    assert found["negatives"]["difference"] == -0.75
    for each in found.values():
        assert each["interval"][0] <= each["difference"] <= each["interval"][1]


def test_models_that_are_the_same_do_not_differ(script):
    notes = notes_of(script, [0, 1, 1, -1], [*"abcd"])
    same = [hits_of([1, 0, 1, 0], [1, 1, 1, 1])]
    assert {tuple(each["interval"]) for each in script.compared(notes, same, same).values()} == {(0.0, 0.0)}


def test_recordings_are_drawn_whole(script):
    notes = notes_of(script, [0] * 6, ["one"] * 3 + ["two"] * 3)
    worse, better = hits_of([0] * 6, [0] * 6), hits_of([1, 1, 1, 0, 0, 0], [0] * 6)
    assert script.compared(notes, [worse], [better])["top1"]["interval"] == [0.0, 1.0]


def test_the_command_compares_folders(tmp_path: Path, tone: Callable[..., object], audio: Callable[..., bytes]):
    rows = ["path,labels,recording"]
    for number, label in enumerate(["cel", "vio", "cel", ""]):
        (tmp_path / f"{number}.wav").write_bytes(audio(tone(1.0, hz=200.0 * 1.5**number, peak=0.3)))
        rows.append(f"{number}.wav,{label},{number}")
    (tmp_path / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    for seed in (1, 2):
        save_model(tmp_path / f"model{seed}", tiny_model(seed=seed).state_dict(), tiny_card())
        write_thresholds(tmp_path / f"model{seed}" / "thresholds.json", IRMAS11.codes, 0.5)
    command = [sys.executable, str(ROOT / "benchmarks" / "notes_gain.py"), str(tmp_path)]
    models = ["--base", str(tmp_path / "model1"), "--other", str(tmp_path / "model2")]
    result = subprocess.run([*command, *models], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"top1", "top1_macro", "negatives"}
    assert found["top1"]["by_model"][0][0] in {0.0, 0.3333, 0.6667, 1.0}
