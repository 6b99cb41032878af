"""An instrument has one colour: in the package's pictures and in the plot templates."""

import json
import re
from collections.abc import Iterator

import pytest
import vl_convert
from plot_rows import OPENMIC20, rows_of

from instrumentarium.drawing.colours import PALETTE, colours_of, looks_of
from instrumentarium.reporting.charts import TEMPLATES, VEGA_LITE, filled
from taxonomies import BAND3, IRMAS11


def scales(content: object) -> Iterator[dict]:
    """Yield every scale of a template by which instruments are coloured."""
    if isinstance(content, dict):
        if content.get("field") == "instrument" and "range" in content.get("scale", {}):
            yield content["scale"]
        for part in content.values():
            yield from scales(part)
    elif isinstance(content, list):
        for part in content:
            yield from scales(part)


@pytest.mark.parametrize("taxonomy", [BAND3, IRMAS11, OPENMIC20], ids=lambda taxonomy: taxonomy.name)
def test_no_two_instruments_share_a_colour(taxonomy):
    assert list(colours_of(taxonomy.codes)) == list(taxonomy.codes)
    assert len(set(colours_of(taxonomy.codes).values())) == len(taxonomy)
    assert {code: colour for code, (colour, _) in looks_of(taxonomy.codes).items()} == colours_of(taxonomy.codes)


def test_beyond_the_palette_colours_come_again_and_looks_still_differ():
    codes = [f"i{n}" for n in range(60)]
    assert list(colours_of(codes).values()) == [*PALETTE] * 3
    assert len(set(looks_of(codes).values())) == 60


@pytest.mark.parametrize("name", ["per_instrument", "precision_recall", "reliability", "roc"])
def test_templates_have_the_palette(name: str):
    found = list(scales(json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))))
    assert found
    assert all(tuple(scale["range"]) == PALETTE for scale in found)


@pytest.mark.parametrize("taxonomy", [BAND3, OPENMIC20], ids=lambda taxonomy: taxonomy.name)
def test_an_instrument_is_drawn_in_its_colour(taxonomy):
    svg = vl_convert.vegalite_to_svg(
        filled("reliability", rows_of("evaluate/reliability", taxonomy.codes)), vl_version=VEGA_LITE
    )
    for code, colour in colours_of(taxonomy.codes).items():
        points = re.findall(rf'aria-label="[^"]*instrument: {code}[;"][^>]*fill="([^"]*)"', svg)
        assert {point.upper() for point in points if point != "none"} == {colour}


def test_clips_are_drawn_in_the_colour_of_their_instrument():
    rows = rows_of("explain/embedding", IRMAS11.codes)
    svg = vl_convert.vegalite_to_svg(filled("embedding", rows), vl_version=VEGA_LITE)
    for code, colour in colours_of(IRMAS11.codes).items():
        points = re.findall(rf'aria-label="[^"]*only instrument known: {code};[^>]*fill="([^"]*)"', svg)
        assert {point.upper() for point in points} == {colour}
