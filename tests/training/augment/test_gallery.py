"""The page of before and after."""

from pathlib import Path

import numpy as np
import pytest
from model_fixtures import FRONTEND, RATE_HZ, augmented
from PIL import Image
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.config.whole import load_params
from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.frontends.build import build_frontend
from instrumentarium.training.augment.gallery import examples, one_of_each, phrases, rain
from instrumentarium.training.augment.params import AugmentParams

ROOT = Path(__file__).resolve().parents[3]
UNSEEN = {"as it is", "polarity"}


def test_each_is_taken_from_the_first_entry_that_uses_it():
    entries = {
        "a": augmented(gain={"db": 3.0}, polarity={"probability": 0.1}),
        "b": augmented(gain={"db": 9.0}, time_mask={"share": 0.1}),
    }
    found = one_of_each(entries)
    assert list(found) == ["polarity", "gain", "time_mask"]
    assert found["gain"].model_dump() == {"db": 3.0}
    assert list(one_of_each(load_params(ROOT / "params.yaml").augmentations)) == list(AugmentParams.model_fields)


def test_all_are_shown_alone_and_change_what_is_seen_and_the_same_seed_shows_the_same():
    frontend = build_frontend(FRONTEND, RATE_HZ)  # of absolute level, so that a gain is seen
    assert isinstance(frontend, PowerFrontEnd)
    parts = one_of_each(load_params(ROOT / "params.yaml").augmentations)
    parts.pop("filters")  # their edges lie above half of this sample rate
    parts.pop("codec")
    windows, behind = phrases(RATE_HZ, 1.0), rain(RATE_HZ, 1.0)
    found, again = (examples(parts, windows, behind, frontend, RATE_HZ, seed=3) for _ in range(2))
    assert [example.name for example in found] == ["as it is", *parts]
    before = found[0].features
    for one, other in zip(found, again, strict=True):
        assert np.array_equal(one.features, other.features)
        assert one.features.shape == before.shape
        assert (np.abs(one.features - before).max() > 0.05) == (one.name not in UNSEEN), one.name
    assert next(each.settings for each in found if each.name == "gain") == "db 12"


def test_the_command_draws_a_picture_of_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    out = tmp_path / "page.png"
    result = CliRunner().invoke(app, ["show-augmentations", "--entry", "mild", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith(": 4 augmentations")
    assert Image.open(out).width > 500
    first = out.read_bytes()
    CliRunner().invoke(app, ["show-augmentations", "--entry", "mild", "--out", str(out)])
    assert out.read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--entry", "mld"], "--entry 'mld' is not a key of `augmentations`"),
        (["README.md"], "README.md cannot be used: not readable as audio"),
        (["none.wav"], "none.wav"),
        (["--out", "a.jpg"], "--out is a .png; found a.jpg"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["show-augmentations", *arguments])
    assert result.exit_code == 2
    assert message in result.output
