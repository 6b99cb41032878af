"""What `describe` reports of a model."""

import json
from dataclasses import replace
from pathlib import Path

from model_fixtures import RAW, tiny_card
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.predicting.description import as_table
from taxonomies import BAND3


def test_describe_reports_input_instruments_and_all_of_model_json(model: Path):
    result = CliRunner().invoke(app, ["describe", str(model)])
    assert result.exit_code == 0
    assert "8000 Hz" in result.stdout
    assert "cello (cel)" in result.stdout
    whole = CliRunner().invoke(app, ["describe", str(model / "model.json"), "--format", "json"])
    assert json.loads(whole.stdout) == tiny_card().model_dump(mode="json")


def test_a_description_names_the_models_own_instruments():
    text = as_table(replace(RAW, taxonomy=BAND3).card(), 1234567)
    assert all(f"({code})" in text for code in BAND3.codes)
    assert "cello" not in text
    assert "steel drums (steel_drums)" in text
    assert "1,234,567" in text
    assert "front end    kind=waveform" in text
    assert "semitones" not in text, "it shifts no pitch"
