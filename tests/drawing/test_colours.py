"""An instrument has one colour: in the package's pictures and in DVC's plot templates."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrumentarium.drawing.colours import INSTRUMENT_COLOURS
from instrumentarium.drawing.looks import INSTRUMENT_LOOKS
from instrumentarium.drawing.style import LOOKS
from instrumentarium.tables.taxonomy import CODES

TEMPLATES = Path(__file__).resolve().parents[2] / ".dvc" / "plots"


def scales(content: object) -> Iterator[dict]:
    """Yield every colour scale of a template that names instruments."""
    if isinstance(content, dict):
        scale = content.get("scale")
        if isinstance(scale, dict) and set(CODES) <= set(map(str, scale.get("domain", ()))):
            yield scale
        for part in content.values():
            yield from scales(part)
    elif isinstance(content, list):
        for part in content:
            yield from scales(part)


def test_no_two_instruments_share_a_colour():
    assert list(INSTRUMENT_COLOURS) == list(CODES)
    assert len(set(INSTRUMENT_COLOURS.values())) == len(CODES)


def test_pictures_of_the_report_and_of_explanations_agree():
    for code, colour in INSTRUMENT_COLOURS.items():
        assert LOOKS[code].colour == INSTRUMENT_LOOKS[code][0] == colour


@pytest.mark.parametrize(
    "name",
    [
        "embedding",
        "figures_by_instrument",
        "precision_recall_by_instrument",
        "reliability_by_instrument",
        "roc_by_instrument",
    ],
)
def test_templates_draw_instruments_in_these_colours(name: str):
    content = json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))
    coloured = [
        scale
        for scale in scales(content)
        if "range" in scale and all(str(value).startswith("#") for value in scale["range"])
    ]
    assert coloured
    for scale in coloured:
        looks = dict(zip(scale["domain"], scale["range"], strict=True))
        assert {code: looks[code] for code in CODES} == INSTRUMENT_COLOURS
