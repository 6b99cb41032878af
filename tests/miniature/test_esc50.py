"""The miniature ESC-50: the published layout, five folds, sources that stay in one fold."""

import csv
import io
import zipfile
from collections import defaultdict

import pytest
import soundfile

from instrumentarium.miniature.layouts import esc50
from instrumentarium.miniature.synthesis.effects import RECIPES
from instrumentarium.runtime import workers


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esc50")
    esc50.render(folder, folder / "truth.csv", seed=5, clips=20)
    return folder


def test_bytes_repeat_with_any_number_of_workers(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)
    esc50.render(tmp_path, tmp_path / "truth.csv", seed=5, clips=20)
    assert (tmp_path / "ESC-50-master.zip").read_bytes() == (rendered / "ESC-50-master.zip").read_bytes()


def test_table_and_audio_agree(rendered):
    with zipfile.ZipFile(rendered / "ESC-50-master.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("ESC-50-master/meta/esc50.csv").decode("utf-8"))))
        audio = {name for name in archive.namelist() if name.endswith(".wav")}
        for row in rows:
            info = soundfile.info(io.BytesIO(archive.read(f"ESC-50-master/audio/{row['filename']}")))
            assert (info.samplerate, info.channels, info.frames) == (44_100, 1, 220_500)
            assert row["filename"] == f"{row['fold']}-{row['src_file']}-{row['take']}-{row['target']}.wav"
            assert row["esc10"] in ("True", "False")
    assert list(rows[0]) == ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    assert audio == {f"ESC-50-master/audio/{row['filename']}" for row in rows}
    assert len(rows) == 20


def test_the_full_size_plan_covers_categories_and_folds_without_straddling():
    plan = esc50.plan(2026, 120)
    assert len(plan) == len({effect.filename for effect in plan}) == 120
    assert {effect.category for effect in plan} == set(RECIPES)
    assert len(RECIPES) >= 12
    assert "church_bells" in RECIPES
    folds = defaultdict(set)
    for effect in plan:
        folds[effect.source].add(effect.fold)
    assert all(len(fold) == 1 for fold in folds.values())
    sizes = [sum(effect.fold == fold for effect in plan) for fold in range(1, 6)]
    assert min(sizes) >= 18


def test_every_recipe_sounds():
    for category in RECIPES:
        assert esc50.render_clip(esc50.Effect(category, 1, 4, "A", 0)).any()


def test_a_count_that_is_not_positive_is_refused(tmp_path):
    with pytest.raises(ValueError, match="clips must be positive, found -1"):
        esc50.render(tmp_path, tmp_path / "t.csv", seed=0, clips=-1)
