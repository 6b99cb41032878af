"""The plot templates draw what the stages write, for one revision and for several together."""

import functools
import json
import math
import re
from pathlib import Path

import pytest
import vl_convert
from dvc_render import VegaRenderer

from instrumentarium.evaluation import evaluate
from instrumentarium.splitting.plots import plot_rows
from taxonomies import IRMAS11

CODES = IRMAS11.codes
NAMES = IRMAS11.names

TEMPLATES = Path(__file__).parents[2] / ".dvc" / "plots"

PLOTS = [  # file, template, x, y, marks of one revision by role
    ("evaluate/roc", "roc_by_instrument", "fpr", "tpr", {"line mark": 13}),
    ("evaluate/precision_recall", "precision_recall_by_instrument", "recall", "precision", {"line mark": 13}),
    ("evaluate/confusion", "confusion_shares", "predicted", "actual", {"rect mark": 144}),
    ("evaluate/confusion_counts", "confusion_counts", "predicted", "actual", {"rect mark": 144}),
    ("evaluate/reliability", "reliability_by_instrument", "mean_score", "share", {"line mark": 12, "point": 60}),
    ("evaluate/thresholds", "thresholds_by_instrument", "threshold", "f1", {"line mark": 36, "point": 12}),
    ("evaluate/confusion_per_instrument", "confusion_by_instrument", "predicted", "actual", {"rect mark": 44}),
    ("evaluate/per_instrument", "figures_by_instrument", "f1", "instrument", {"bar": 36}),
    ("evaluate/scores", "scores_by_instrument", "score", "share", {"line mark": 22}),
    ("train/loss", "training_curve", "epoch", "loss", {"line mark": 2, "point": 20}),
    ("train/map_macro", "training_curve", "epoch", "map_macro", {"line mark": 1, "point": 10}),
    ("split/prevalence", "prevalence_by_split", "instrument", "prevalence", {"bar": 33}),
    ("split/cooccurrence", "confusion_shares", "with", "instrument", {"rect mark": 121}),
    ("split/labels_per_clip", "bars_by_split", "labels", "share", {"bar": 9}),
    ("split/durations", "bars_by_split", "duration_s", "share", {"bar": 9}),
    ("explain/embedding", "embedding", "pca_1", "pca_2", {"point": 40}),
    ("split/genres", "genre_by_instrument", "genre", "instrument", {"rect mark": 22}),
]


@pytest.fixture(scope="module")
def rows_of(make_tables):
    @functools.cache
    def evaluation_plots(seed: int):
        t = make_tables(seed=seed)
        settings = {"irmas_train_absent": "negative", "resamples": 100, "seed": 5}
        return evaluate(t.scores, t.clips, t.labels, t.split, rule="per_instrument", **settings).plots

    @functools.cache
    def split_plots(seed: int):
        t = make_tables(seed=seed)
        rows = range(len(t.clips))
        durations, genres = [float(3 + row % 3) for row in rows], [("cla", "pop_roc")[row % 2] for row in rows]
        return plot_rows(t.clips.assign(duration_s=durations, genre=genres), t.labels, t.split)

    def rows(name: str, seed: int) -> list[dict]:
        stage, plot = name.split("/")
        if stage == "evaluate":
            return evaluation_plots(seed)[plot]
        if name == "train/loss":
            return [
                {"epoch": epoch, "part": part, "loss": math.exp(-epoch / 5) + seed / 10}
                for epoch in range(1, 11)
                for part in ("train", "validation")
            ]
        if name == "train/map_macro":
            return [{"epoch": epoch, "map_macro": 1 - math.exp(-epoch / 5) - seed / 10} for epoch in range(1, 11)]
        if stage == "explain":
            words = (*CODES, "several", "none", "unknown")
            return [
                {
                    "clip_id": f"irmas/{clip}",
                    "corpus": ("irmas", "openmic", "esc50", "own")[clip % 4],
                    "genre": "",
                    "instrument": words[clip % len(words)],
                    **{name: math.sin(clip * (n + 1) + seed) for n, name in enumerate(axes)},
                }
                for clip in range(20)
            ]
        return split_plots(seed)[plot]

    axes = ("pca_1", "pca_2", "tsne_1", "tsne_2")
    return rows


def fill(template: str, x: str, y: str, rows: list[dict]) -> dict:
    """Fill a template as dvc does."""
    renderer = VegaRenderer(
        rows, "plot", template=template, template_dir=str(TEMPLATES), x=x, y=y, title="A title", y_label="a label"
    )
    return renderer.get_filled_template()


def count_marks(svg: str, role: str) -> int:
    return len(re.findall(rf'aria-roledescription="{role}"', svg))


@pytest.mark.parametrize("revisions", [("workspace",), ("main", "resnext"), ("main", "resnext", "exp-a9d1c")])
@pytest.mark.parametrize(("name", "template", "x", "y", "marks"), PLOTS, ids=[plot[0] for plot in PLOTS])
def test_every_revision_is_drawn(rows_of, name, template, x, y, marks, revisions):
    rows = [{**row, "rev": rev} for seed, rev in enumerate(revisions) for row in rows_of(name, seed)]
    spec = fill(template, x, y, rows)
    assert "<DVC_METRIC" not in json.dumps(spec)
    svg = vl_convert.vegalite_to_svg(spec, vl_version="5.8")
    assert "A title" in svg
    for rev in revisions:
        assert rev in svg
    for role, count in marks.items():
        assert count_marks(svg, role) >= count * len(revisions)
    assert "NaN" not in re.sub(r"aria-label=\"[^\"]*\"", "", svg)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.json")), ids=lambda path: path.stem)
def test_instruments_have_the_same_name_colour_and_order_in_every_plot(path):
    template = json.loads(path.read_text())
    colours, sorts = [], []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("field") == "instrument" and "range" in node.get("scale", {}):
                colours.append(dict(zip(node["scale"]["domain"], node["scale"]["range"], strict=True)))
            if "sort" in node and CODES[0] in node["sort"]:
                sorts.append([code for code in node["sort"] if code in CODES])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(template)
    reference = json.loads((TEMPLATES / "figures_by_instrument.json").read_text())["spec"]["layer"][0]["encoding"][
        "color"
    ]
    for found in colours:
        assert found == dict(zip(reference["scale"]["domain"], reference["scale"]["range"], strict=True))
        assert list(found)[:11] == list(CODES)
        assert len(set(found.values())) == len(found)
    assert all(order == list(CODES) for order in sorts)
    for param in template.get("params", []):
        assert {code: param["value"][code] for code in CODES} == NAMES
    assert sorts or path.stem in {"training_curve", "bars_by_split", "embedding"}


def test_every_template_is_used():
    assert {path.stem for path in TEMPLATES.glob("*.json")} == {plot[1] for plot in PLOTS}
