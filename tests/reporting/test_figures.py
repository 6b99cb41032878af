import io
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from instrumentarium.drawing.style import COLUMN_IN, DPI, LOOKS, PAGE_IN, styled, to_png
from instrumentarium.reporting import curves, instruments, matrices
from instrumentarium.reporting.figures import DRAWINGS, draw_figures
from instrumentarium.reporting.rows import (
    MissingReportInputError,
    ReportInputError,
    numbers,
    read_rows,
    where,
)
from instrumentarium.tables.taxonomy import CODES, NAMES


def rows_of(world, source):
    return read_rows(world.root / "plots" / f"{source}.json")


def lines(figure: Figure) -> dict[str, list]:
    """Return the named lines of all panels: name to (x, y) arrays."""
    found: dict[str, list] = {}
    for panel in figure.axes:
        for line in panel.get_lines():
            if line.get_gid():
                found.setdefault(line.get_gid(), []).append(tuple(np.asarray(a, float) for a in line.get_data()))
    return found


def test_every_instrument_has_a_look_of_its_own_in_taxonomy_order() -> None:
    assert list(LOOKS) == [*CODES, "micro", "macro"]
    assert len({(look.colour, look.line) for look in LOOKS.values()}) == len(LOOKS)
    assert len({LOOKS[code].marker for code in CODES}) == len(CODES)


@pytest.mark.parametrize(
    ("draw", "source", "x", "y"),
    [
        (curves.draw_roc, "evaluate/roc", "fpr", "tpr"),
        (curves.draw_roc_column, "evaluate/roc", "fpr", "tpr"),
        (curves.draw_precision_recall, "evaluate/precision_recall", "recall", "precision"),
        (curves.draw_precision_recall_column, "evaluate/precision_recall", "recall", "precision"),
    ],
)
def test_curves_are_those_of_the_rows(world, draw, source, x, y) -> None:
    rows = rows_of(world, source)
    with styled():
        drawn = lines(draw(rows))
    assert set(drawn) == {*CODES, "micro", "macro"}
    for name, ((drawn_x, drawn_y),) in drawn.items():
        mine = where(rows, instrument=name)
        np.testing.assert_array_equal(drawn_x, numbers(mine, x))
        np.testing.assert_array_equal(drawn_y, numbers(mine, y))


def test_an_instrument_without_a_curve_keeps_its_place_in_the_legend() -> None:
    rows = [{"instrument": name, "fpr": None, "tpr": None} for name in (*CODES, "micro", "macro")]
    with styled():
        (legend,) = curves.draw_roc_column(rows).legends
    assert [text.get_text() for text in legend.get_texts()] == [*(NAMES[code] for code in CODES), "micro", "macro"]


def test_per_instrument_points_and_intervals_are_those_of_the_rows(world) -> None:
    rows = rows_of(world, "evaluate/per_instrument")
    with styled():
        figure = instruments.draw_per_instrument(rows)
    drawn = lines(figure)
    for column in ("f1", "ap"):
        np.testing.assert_array_equal(drawn[column][0][0], numbers(rows, column))
    ends = figure.axes[0].collections[0].get_segments()
    np.testing.assert_allclose([end[:, 0] for end in ends], [[row["f1_low"], row["f1_high"]] for row in rows])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [*NAMES.values(), "macro"]


@pytest.mark.parametrize(("draw", "column"), [("draw_confusion_shares", "share"), ("draw_confusion_counts", "count")])
def test_confusion_cells_are_those_of_the_rows(world, draw, column) -> None:
    rows = rows_of(world, "evaluate/confusion")
    with styled():
        (panel,) = getattr(matrices, draw)(rows).axes
    names = [*CODES, "none"]
    cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in panel.texts}
    shades = panel.images[0].get_array()
    assert len(cells) == len(rows) == 144
    for row in rows:
        at = names.index(row["actual"]), names.index(row["predicted"])
        assert shades[at] == (row["share"] or 0)
        if column == "count":
            assert float(cells[at]) == pytest.approx(row["count"], abs=0.051)
        else:
            assert cells[at] == ("–" if row["share"] is None else f"{100 * row['share']:.0f}")


def test_two_by_two_cells_are_those_of_the_rows(world) -> None:
    rows = rows_of(world, "evaluate/confusion_per_instrument")
    with styled():
        figure = matrices.draw_confusion_per_instrument(rows)
    for code, panel in zip(CODES, figure.axes, strict=False):
        assert panel.get_title() == NAMES[code]
        counts = {int(text.get_text().split("\n")[0]) for text in panel.texts}
        assert counts == {row["count"] for row in where(rows, instrument=code)}


def test_histograms_are_those_of_the_rows(world) -> None:
    rows = rows_of(world, "evaluate/scores")
    with styled():
        figure = instruments.draw_scores(rows)
    for code, panel in zip(CODES, figure.axes, strict=False):
        named = {patch.get_gid(): patch for patch in panel.patches if patch.get_gid()}
        for truth in ("plays", "silent"):
            mine = where(rows, instrument=code, truth=truth)
            data = named[truth].get_data()
            np.testing.assert_array_equal(data.values, np.nan_to_num(numbers(mine, "share")))
            np.testing.assert_allclose((data.edges[1:] + data.edges[:-1]) / 2, numbers(mine, "score"))


def test_prevalence_training_reliability_and_thresholds_are_those_of_the_rows(world) -> None:
    with styled():
        prevalence = lines(instruments.draw_prevalence(rows_of(world, "split/prevalence")))
        loss = lines(curves.draw_loss(rows_of(world, "train/loss")))
        best = lines(curves.draw_map_macro(rows_of(world, "train/map_macro")))
        reliability = lines(curves.draw_reliability(rows_of(world, "evaluate/reliability")))
        thresholds = lines(curves.draw_thresholds(rows_of(world, "evaluate/thresholds")))
    assert {name: len(xs) for name, ((xs, _),) in prevalence.items()} == dict.fromkeys(
        ("train", "validation", "test"), 11
    )
    assert set(loss) == {"train", "validation"}
    np.testing.assert_array_equal(loss["train"][0][1], [1, 0.5])
    assert best["best"][0][0].tolist() == [1]
    rows = where(rows_of(world, "evaluate/reliability"), instrument="vio")
    np.testing.assert_array_equal(reliability["vio"][0][1], numbers(rows, "share"))
    chosen = json.loads((world.root / "data" / "thresholds.json").read_text())
    wanted = [*chosen["per_instrument"].values(), chosen["global"]]
    assert [x.tolist() for x, _ in thresholds["chosen"]] == [[limit] for limit in wanted]


def test_figures_have_the_widths_of_a_paper_and_no_metadata(world) -> None:
    pictures = draw_figures(world.sources.rows)
    assert [picture.name for picture in pictures] == [drawing.name for drawing in DRAWINGS]
    for picture in pictures:
        image = Image.open(io.BytesIO(picture.png))
        assert image.width == round(DPI * (PAGE_IN if picture.wide else COLUMN_IN))
        assert set(image.info) <= {"dpi"}
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_users_own_matplotlib_settings_change_nothing(world) -> None:
    import matplotlib as mpl

    rows = rows_of(world, "train/loss")
    with styled():
        plain = to_png(curves.draw_loss(rows))
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 20}), styled():
        assert to_png(curves.draw_loss(rows)) == plain


def test_missing_rows_name_the_stage(tmp_path: Path) -> None:
    with pytest.raises(MissingReportInputError, match="run `dvc repro evaluate`"):
        draw_figures([tmp_path / "evaluate" / "roc.json"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("roc", "{", "is not JSON"),
        ("roc", "{}", "must hold a list of rows"),
        ("roc", "[]", "at least one"),
        ("roc", json.dumps([{"instrument": "cel", "fpr": 0}]), "row 0 has no tpr"),
        ("roc", json.dumps([{"instrument": "cel", "fpr": "x", "tpr": 0}]), "must hold numbers, found 'x'"),
        ("notes", "[{}]", "no figure is drawn from the rows of evaluate/notes"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / "evaluate" / f"{name}.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ReportInputError, match=message):
        draw_figures([path])
