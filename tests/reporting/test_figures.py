import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import vl_convert
from PIL import Image
from plot_rows import OPENMIC20, rows_of

from instrumentarium.reporting.charts import COLUMN_IN, DPI, PAGE_IN, TEMPLATES, VEGA_LITE, draw, filled
from instrumentarium.reporting.figures import DRAWINGS, draw_figures
from instrumentarium.reporting.rows import MissingReportInputError, ReportInputError
from taxonomies import BAND3, IRMAS11


def test_every_figure_is_drawn_under_the_names_of_instruments(world) -> None:
    pictures = draw_figures(world.sources.rows)
    assert [picture.name for picture in pictures] == [drawing.name for drawing in DRAWINGS]
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.png))
        assert image.width == round(DPI * (PAGE_IN if picture.wide else COLUMN_IN))
        assert set(image.info) <= {"dpi"}
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert len(image.convert("L").getcolors()) > 10


@pytest.mark.parametrize("taxonomy", [BAND3, OPENMIC20], ids=lambda taxonomy: taxonomy.name)
def test_a_matrix_of_many_instruments_takes_the_page(taxonomy) -> None:
    assert draw("confusion_shares", rows_of("evaluate/confusion", taxonomy.codes)).wide == (taxonomy is OPENMIC20)


def test_a_small_picture_is_not_blown_up() -> None:
    ink = []
    for count in (1, 3):
        png = draw("confusion_shares", rows_of("evaluate/confusion", BAND3.codes[:count])).png
        image = Image.open(io.BytesIO(png)).convert("L")
        assert image.width == round(DPI * COLUMN_IN)
        ink.append(image.point(lambda level: 255 * (level < 128)).crop((0, 0, image.width, 60)).getbbox())
    (left, top, right, bottom), (_, _, _, other) = ink
    assert (bottom - top) < 0.12 * DPI
    assert abs(left - (image.width - right)) < 0.25 * image.width
    assert other == bottom


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_of_one_revision_nothing_tells_revisions_apart(drawing) -> None:
    rows = rows_of(drawing.source, IRMAS11.codes)
    specification = filled(drawing.name, rows)
    assert specification["data"]["values"] == rows
    specification["data"] = None
    assert '"rev"' not in json.dumps(specification)
    assert "revision" not in re.sub(r'"description": "[^"]*"', "", json.dumps(specification))


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_every_field_that_a_template_encodes_is_a_checked_column_or_made_of_one(drawing) -> None:
    template = json.loads((TEMPLATES / f"{drawing.name}.json").read_text())
    made = {"rev", "a", "b", *re.findall(r'"as": "(\w+)"', json.dumps(template)), "measure", "value"}
    shown_only = {"positives", "songs", "clips"}
    used = set(re.findall(r'"field": "(\w+)"', json.dumps(template))) - made - shown_only
    assert used <= {*drawing.words, *drawing.numbers}


def test_the_highest_epoch_is_marked() -> None:
    rows = [{"epoch": epoch, "map_macro": value} for epoch, value in ((1, 0.25), (2, 0.625), (3, 0.5))]
    svg = vl_convert.vegalite_to_svg(filled("map_macro", rows), vl_version=VEGA_LITE)
    assert re.findall(r">(0\.\d\d\d)</text>", svg) == ["0.625"]


def test_another_process_draws_the_same_bytes() -> None:
    rows = rows_of("evaluate/per_instrument", BAND3.codes)
    code = (
        "import json, sys; from instrumentarium.reporting.charts import draw; "
        "chart = draw('per_instrument', json.load(sys.stdin)); sys.stdout.buffer.write(chart.png + chart.svg)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(rows).encode(), capture_output=True, check=True
    )
    chart = draw("per_instrument", rows)
    assert done.stdout == chart.png + chart.svg


@pytest.mark.parametrize("name", ["roc", "loss", "confusion_shares"])
def test_an_svg_is_the_same_picture_of_the_same_size(name) -> None:
    drawing = next(drawing for drawing in DRAWINGS if drawing.name == name)
    chart = draw(name, rows_of(drawing.source, BAND3.codes))
    found = re.match(rb'<svg[^>]* width="([\d.]+)in" height="([\d.]+)in" viewBox="0 0 ([\d.]+) ([\d.]+)"', chart.svg)
    assert found
    width_in, height_in, width, height = map(float, found.groups())
    image = Image.open(io.BytesIO(chart.png))
    assert height_in * DPI == pytest.approx(image.height, abs=2)
    assert width_in * DPI <= image.width + 2
    assert width_in / height_in == pytest.approx(width / height, rel=1e-3)
    again = vl_convert.svg_to_png(chart.svg.decode(), scale=1)
    assert len(Image.open(io.BytesIO(again)).convert("L").getcolors()) > 10


@pytest.mark.parametrize(("name", "word"), [("roc", "AUC"), ("precision_recall", "AP")])
def test_each_panel_states_its_area(name, word) -> None:
    rows = rows_of(f"evaluate/{name}", IRMAS11.codes)
    texts = re.findall(r">((?:AUC|AP|macro|micro) \d\.\d{3})</text>", draw(name, rows).svg.decode())
    area = {row["instrument"]: row[{"roc": "auroc", "precision_recall": "ap"}[name]] for row in rows}
    stated = {code: value for code, value in area.items() if value is not None}
    expected = [f"{code if code in ('macro', 'micro') else word} {value:.3f}" for code, value in stated.items()]
    assert sorted(texts) == sorted(expected)
    assert len(expected) == 12


def test_missing_rows_name_the_stage(tmp_path: Path) -> None:
    with pytest.raises(MissingReportInputError, match="run `dvc repro evaluate`"):
        draw_figures([tmp_path / "evaluate" / "roc.json"])


def test_optional_figures_without_rows_are_left_out(own_world) -> None:
    sources = {drawing.source for drawing in DRAWINGS if drawing.optional}
    rowless = [path for path in own_world.sources.rows if f"{path.parent.name}/{path.stem}" in sources]
    assert len(rowless) == len(sources)
    for path in rowless:
        path.write_text("[]")
    loss = next(path for path in own_world.sources.rows if path.stem == "loss")
    assert [picture.name for picture in draw_figures([*rowless, loss])] == ["loss"]
    loss.write_text("[]")
    with pytest.raises(ReportInputError, match="at least one"):
        draw_figures([loss])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("roc", "{", "is no JSON"),
        ("roc", "{}", "must hold a list of rows"),
        ("roc", "[]", "at least one"),
        ("roc", json.dumps([{"instrument": "cel", "fpr": 0}]), "row 0 has no auroc, tpr"),
        (
            "roc",
            json.dumps([{"instrument": "cel", "fpr": "x", "tpr": 0, "auroc": 0}]),
            "must hold numbers, found 'x' in row 0",
        ),
        ("notes", "[{}]", "no figure is drawn from the rows of evaluate/notes"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / "evaluate" / f"{name}.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ReportInputError, match=message):
        draw_figures([path])
