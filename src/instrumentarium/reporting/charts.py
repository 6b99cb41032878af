"""The Vega-Lite templates that DVC draws plots from, filled with rows and rendered as PNG and SVG.

The templates are the only description of a plot: title, axes, colours, order. DVC shows them in a browser, for several
revisions beside each other (`.dvc/plots` is a link to their folder); here they are rendered for one revision, without a
browser, by vl-convert, with the font that comes with it and none of the machine's. Instruments are drawn in the order in
which rows come.
"""

import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from instrumentarium.reporting.rows import Rows

TEMPLATES = Path(__file__).parent / "templates"
FONTS = Path(__file__).parent / "fonts.conf"
"""Which of the machine's fonts vl-convert may use, read at its first picture: none."""
VEGA_LITE = "5.8"
DATA = "<DVC_METRIC_DATA>"
REVISION = "rev"
PANELS_A_ROW = 4
SIZE = re.compile(r'<svg[^>]* (?P<size>width="(?P<width>[\d.]+)" height="(?P<height>[\d.]+)")')
"""How an SVG of Vega states its size, in pixels."""

COLUMN_IN, PAGE_IN = 3.4, 7.0
"""Widths of one column and of both columns of a two-column page, inches."""
DPI = 300
FEWEST_PX_AN_INCH = 100
"""What is narrower is not blown up: letters of 10 pixels are of 7.2 points at most."""
WIDEST_COLUMN_PX = 440
"""What a template draws no wider than this is readable in one column: letters of 10 pixels are then of 5.6 points."""


@dataclass(frozen=True)
class Chart:
    """A drawn plot: as PNG, 300 dots an inch, and as SVG of the same size; a wide one takes both columns."""

    png: bytes
    svg: bytes
    wide: bool


def draw(template: str, rows: Rows) -> Chart:
    """Draw a plot, one column or a page wide; the same rows give the same bytes.

    Args:
        template: name of a file in TEMPLATES, without suffix.
        rows: of one revision.
    """
    import vl_convert

    with renderers_fonts_alone():
        svg = vl_convert.vegalite_to_svg(filled(template, rows), vl_version=VEGA_LITE)
    found = SIZE.match(svg)
    assert found, svg[:200]
    width_px, height_px = float(found["width"]), float(found["height"])
    wide = width_px > WIDEST_COLUMN_PX
    width_in = PAGE_IN if wide else COLUMN_IN
    inches_a_px = width_in / max(width_px, width_in * FEWEST_PX_AN_INCH)
    with renderers_fonts_alone():
        png = vl_convert.svg_to_png(svg, scale=inches_a_px * DPI, ppi=72)
    size = f'width="{width_px * inches_a_px:.4f}in" height="{height_px * inches_a_px:.4f}in"'
    sized = svg[: found.start("size")] + size + svg[found.end("size") :]
    return Chart(_sized(png, round(width_in * DPI)), sized.encode("utf-8"), wide)


@contextmanager
def renderers_fonts_alone() -> Iterator[None]:
    """Keep the machine's fonts from vl-convert, and from nobody else: a browser started later would show no letter."""
    before = os.environ.get("FONTCONFIG_FILE")
    os.environ["FONTCONFIG_FILE"] = str(FONTS)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before


def filled(template: str, rows: Rows) -> dict[str, object]:
    """Return a template with the rows of one revision, and without what distinguishes revisions."""
    text = (TEMPLATES / f"{template}.json").read_text(encoding="utf-8")
    specification = _without_revisions(json.loads(text.replace(f'"{DATA}"', json.dumps(list(rows), allow_nan=False))))
    assert isinstance(specification, dict)
    return specification


def _without_revisions(node: object) -> object:
    """Leave out every channel of the revision; panels of what remains are laid out in rows of PANELS_A_ROW."""
    if isinstance(node, list):
        return [_without_revisions(part) for part in node if part != REVISION and not _is_revision(part)]
    if not isinstance(node, Mapping):
        return node
    kept = {
        key: part if key == "values" else _without_revisions(part)
        for key, part in node.items()
        if not _is_revision(part) or key == "facet"
    }
    facet = kept.get("facet")
    if not isinstance(facet, Mapping):
        return kept
    if "row" in node["facet"] and "row" in facet and "column" not in facet:
        header = {"title": None}
        return {**kept, "facet": {**facet["row"], "header": header}, "columns": PANELS_A_ROW}
    if not facet:
        specification = kept.pop("spec")
        assert isinstance(specification, Mapping)
        return {key: part for key, part in kept.items() if key not in {"facet", "spacing"}} | {**specification}
    return kept


def _is_revision(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("field") == REVISION


def _sized(png: bytes, width_px: int) -> bytes:
    """Return a picture in the middle of white, exactly so wide, as a small file without metadata but its resolution."""
    drawn = Image.open(io.BytesIO(png)).convert("RGBA")
    image = Image.new("RGB", (width_px, drawn.height), "white")
    image.paste(drawn, ((width_px - drawn.width) // 2, 0), mask=drawn)
    result = io.BytesIO()
    image.save(result, format="png", compress_level=6, dpi=(DPI, DPI))
    return result.getvalue()
