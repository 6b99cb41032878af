"""The plot templates draw what the stages write: any instruments, one revision and several beside each other."""

import json
import re
from pathlib import Path

import pytest
import vl_convert
import yaml
from dvc_render import VegaRenderer
from plot_rows import OPENMIC20, rows_of

from instrumentarium.reporting.charts import TEMPLATES, VEGA_LITE
from taxonomies import BAND3, IRMAS11

ROOT = Path(__file__).parents[2]

PLOTS = {  # file: template, marks of one revision by role, of so many instruments
    "evaluate/roc": ("roc", lambda n: {"line mark": n + 1}),
    "evaluate/precision_recall": ("precision_recall", lambda n: {"line mark": n + 1}),
    "evaluate/confusion": ("confusion_shares", lambda n: {"rect mark": (n + 1) ** 2}),
    "evaluate/confusion_counts": ("confusion_counts", lambda n: {"rect mark": (n + 1) ** 2}),
    "evaluate/reliability": ("reliability", lambda n: {"line mark": n + 1, "point": 2 * (n + 1)}),
    "evaluate/thresholds": ("thresholds", lambda n: {"line mark": 3 * (n + 1), "point": n + 1}),
    "evaluate/confusion_per_instrument": ("confusion_per_instrument", lambda n: {"rect mark": 4 * n}),
    "evaluate/per_instrument": ("per_instrument", lambda n: {"point": 3 * (n + 1)}),
    "evaluate/scores": ("scores", lambda n: {"line mark": 2 * n}),
    "train/loss": ("loss", lambda n: {"line mark": 2, "point": 4}),
    "train/map_macro": ("map_macro", lambda n: {"line mark": 1, "point": 3}),
    "split/prevalence": ("prevalence", lambda n: {"bar": 3 * n}),
    "split/cooccurrence": ("cooccurrence", lambda n: {"rect mark": n**2}),
    "split/labels_per_clip": ("labels_per_clip", lambda n: {"bar": 6}),
    "split/durations": ("durations", lambda n: {"bar": 6}),
    "split/loudness": ("loudness", lambda n: {"bar": 6}),
    "split/drums": ("drums", lambda n: {"bar": 3 * n}),
    "split/genres": ("genres", lambda n: {"rect mark": 2 * n}),
    "keys/keys": ("keys", lambda n: {"bar": 24 * (n + 1)}),
    "keys/tempos": ("tempos", lambda n: {"bar": 3 * (n + 1)}),
    "descriptors/variance": ("variance", lambda n: {"bar": 3}),
    "descriptors/correlation": ("correlation", lambda n: {"rect mark": 9}),
    "explain/embedding": ("embedding", lambda n: {"point": 2 * (n + 3)}),
}


def svg_of(plot: str, rows: list[dict]) -> str:
    """Fill a template as DVC does, and draw it."""
    renderer = VegaRenderer(rows, "plot", template=PLOTS[plot][0], template_dir=str(ROOT / ".dvc" / "plots"))
    spec = renderer.get_filled_template()
    assert "<DVC_METRIC" not in json.dumps(spec)
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


def count_marks(svg: str, role: str) -> int:
    return len(re.findall(rf'aria-roledescription="{role}"', svg))


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize(
    ("taxonomy", "revisions"),
    [(BAND3, ("main", "resnext")), (OPENMIC20, ("workspace",))],
    ids=["3 instruments, 2 revisions", "20 instruments"],
)
@pytest.mark.parametrize("plot", PLOTS)
def test_every_instrument_of_every_revision_is_drawn(plot, taxonomy, revisions):
    rows = [{**row, "rev": rev} for seed, rev in enumerate(revisions) for row in rows_of(plot, taxonomy.codes, seed)]
    svg = svg_of(plot, rows)
    title = json.loads((TEMPLATES / f"{PLOTS[plot][0]}.json").read_text())["title"]["text"]
    assert title in texts(svg)
    for rev in revisions:
        assert plot == "explain/embedding" or rev in texts(svg)
    for role, count in PLOTS[plot][1](len(taxonomy)).items():
        assert count_marks(svg, role) >= count * len(revisions)
    if any(set(row.values()) & set(taxonomy.codes) for row in rows):
        assert set(taxonomy.codes) <= set(texts(svg))
    assert "NaN" not in re.sub(r"aria-label=\"[^\"]*\"", "", svg)


@pytest.mark.parametrize("plot", ["evaluate/scores", "evaluate/per_instrument", "evaluate/confusion"])
def test_instruments_are_drawn_in_the_order_of_the_rows(plot):
    backwards = tuple(reversed(IRMAS11.codes))
    for codes in (IRMAS11.codes, backwards):
        drawn = [
            text for text in texts(svg_of(plot, [{**row, "rev": "a"} for row in rows_of(plot, codes)])) if text in codes
        ]
        assert tuple(dict.fromkeys(drawn)) == codes


def test_a_column_of_matrices_holds_one_revision():
    rows = [
        {**row, "count": 7 if rev == "main" else 8, "rev": rev}
        for rev in ("main", "resnext")
        for row in rows_of("evaluate/confusion_per_instrument", BAND3.codes)
    ]
    counts = [text for text in texts(svg_of("evaluate/confusion_per_instrument", rows)) if text in "78"]
    assert counts == (["7"] * 4 + ["8"] * 4) * 3


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.json")), ids=lambda path: path.stem)
def test_a_template_names_no_instrument(path):
    words = set(re.findall(r"\w+", path.read_text()))
    assert not words & {*IRMAS11.codes, *OPENMIC20.codes}
    assert not any(f'"{name}"' in path.read_text() for name in IRMAS11.names.values())


def test_every_plot_of_the_pipeline_has_its_template_and_every_template_its_plot():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    entries = [entry for stage in stages for entry in stage.get("plots", [])]
    found = {path: settings["template"] for entry in entries for path, settings in entry.items()}
    assert found == {f"plots/{plot}.json": template for plot, (template, _) in PLOTS.items()}
    assert {path.stem for path in TEMPLATES.glob("*.json")} == set(found.values())
    assert (ROOT / ".dvc" / "plots").resolve() == TEMPLATES.resolve()
