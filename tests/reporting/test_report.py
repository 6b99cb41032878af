import html
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from instrumentarium.duplicates.conflicts import ResolvedLabels
from instrumentarium.duplicates.report import describe_duplicates
from instrumentarium.reporting.cards import DUPLICATES
from instrumentarium.reporting.document import breakable, with_code
from instrumentarium.reporting.explained import CAPTIONS
from instrumentarium.reporting.faults import FAULTS
from instrumentarium.reporting.report import make_report, write_report
from instrumentarium.runtime.errors import UserError

VOID = {"meta", "img", "br", "link", "input", "hr", "wbr"}
EXPLAINED = 5
"""Pictures of the explain stage: two maps, and three of the embeddings."""


class Page(HTMLParser):
    """Checks that elements are balanced, and notes what would be fetched, images, ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.section = ""
        self.texts: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        assert len(values) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(values)
        if tag == "section":
            self.section = values["id"]
            self.texts[self.section] = ""
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        else:
            self.fetched += [values[name] for name in ("src", "href", "srcset", "data", "poster") if name in values]

    def handle_endtag(self, tag) -> None:
        if tag == "section":
            self.section = ""
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.section:
            self.texts[self.section] += data

    def seen(self, section: str) -> str:
        """Return the text of a section, all blanks single."""
        return " ".join(self.texts[section].split())


@pytest.fixture(scope="module")
def sources(world):
    """Rows of three plots are enough to see how the page shows figures."""
    return replace(
        world.sources, rows=[path for path in world.sources.rows if path.stem in {"per_instrument", "roc", "loss"}]
    )


@pytest.fixture(scope="module")
def report(world, sources):
    return make_report(sources, world.settings)


def test_the_page_is_balanced_and_fetches_nothing(report) -> None:
    page = Page(report.html)
    assert page.fetched
    assert all(address.startswith("data:image/png;base64,") for address in page.fetched)
    assert not page.tags & {"script", "link", "iframe", "audio", "video", "source", "object"}
    assert "url(" not in report.html.split("</style>")[0]
    assert "@import" not in report.html
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_every_image_says_what_it_shows(report) -> None:
    images = Page(report.html).images
    assert len(images) == len(report.figures) + len(report.gallery) + EXPLAINED
    assert all(image["alt"] for image in images)


def test_what_tables_hold_is_escaped(report) -> None:
    assert "silent &lt;b&gt;" in report.html
    assert "<b>" not in report.html
    assert "song &lt;" in report.html


def test_the_page_shows_metrics_as_evaluation_holds_them(report, world) -> None:
    evaluation = json.loads((world.root / "data" / "evaluation.json").read_text())
    test = evaluation["test"]
    for key in ("f1_macro", "map_macro", "hamming_all_zeros"):
        assert f"{test[key]:.3f}" in report.html
    low, high = test["interval"]["f1_macro"]["low"], test["interval"]["f1_macro"]["high"]
    assert f"{low:.2f} to {high:.2f}" in report.html
    assert "per instrument, from validation" in report.html


def test_systems_stand_side_by_side_with_their_intervals(report) -> None:
    table = report.html.split("<h3>Systems</h3>")[1].split("</table>")[0]
    model, baseline, zeros, random = (row.split("</tr>")[0] for row in table.split('<tr><th scope="row">')[1:])
    assert model.startswith("model")
    assert "0.11 to 0.89" in model
    assert "0.345" in baseline
    assert zeros.startswith("all zeros")
    assert "0.000" in zeros
    assert "–" in zeros
    assert "0.123" in random


def test_codes_of_genres_are_explained_where_metrics_are_split_by_them(own_world) -> None:
    def page() -> str:
        return make_report(few_figures(own_world.sources), own_world.with_gallery(0)).html

    key = "jaz_blu jazz and blues"
    assert key not in page()
    file = own_world.root / "data" / "evaluation.json"
    evaluation = json.loads(file.read_text(encoding="utf-8"))
    evaluation["test"]["by_genre"] = {"jaz_blu": evaluation["test"]["by_labels"]["1"]}
    file.write_text(json.dumps(evaluation), encoding="utf-8")
    text = page()
    assert "genre: jaz_blu" in text
    assert key in text


def test_every_count_of_duplicates_is_said_in_words() -> None:
    clips = pd.DataFrame(columns=["clip_id", "corpus", "recording_id", "pcm_hash"])
    duplicates = pd.DataFrame(columns=["clip_a", "clip_b", "kind", "conflict"])
    assert set(DUPLICATES) == set(describe_duplicates(clips, duplicates, ResolvedLabels(pd.DataFrame(), ())))


def test_the_model_is_described_by_what_its_card_has(report) -> None:
    model = report.html.split('<section id="model">')[1].split("</section>")[0]
    for heading in ("Trained", "Recipe", "Backbone", "Front end", "Windows"):
        assert f"<h3>{heading}</h3>" in model
    assert "<h3>Head</h3>" not in model
    assert "64 values" in model
    assert "8, 16" in model


def test_any_instruments_are_reported(world_of_others) -> None:
    world = world_of_others
    rows = [path for path in world.sources.rows if path.stem in {"per_instrument", "loss"}]
    made = make_report(replace(world.sources, rows=rows), world.settings)
    page = Page(made.html)
    assert len(page.images) == 2 + len(made.gallery) + EXPLAINED
    assert made.gallery
    assert {shown.failure.instrument for shown in made.gallery} <= set(world.taxonomy.codes)
    assert f"which of {len(world.taxonomy)} instruments play" in made.html
    for name in world.taxonomy.names.values():
        assert f'<tr><th scope="row">{name}</th>' in made.html


def test_what_is_predicted_reaches_its_threshold(report) -> None:
    for shown in report.gallery:
        failure = shown.failure
        assert shown.predicted == [code for code, score in failure.scores.items() if score >= 0.5]
        assert (failure.instrument in shown.predicted) == (failure.kind == "false positive")


def test_a_command_for_each_failure_can_be_pasted_into_a_shell(report) -> None:
    commands = re.findall(r"<code>(instrumentarium listen .*?)</code>", report.html)
    assert len(commands) == len(report.gallery)
    for command, shown in zip(commands, report.gallery, strict=True):
        assert shlex.split(html.unescape(command))[2] == shown.failure.clip_id


def test_maps_and_embeddings_are_shown_and_an_empty_map_is_said_to_be_so(report) -> None:
    text = Page(report.html).seen("explained")
    assert "cello: 1 map" in text
    assert "by Grad-CAM" in text
    assert text.count("The map is empty: nothing in this window speaks for the instrument.") == 1
    for caption in CAPTIONS.values():
        assert caption in text


def test_known_faults_and_what_is_in_the_clips_stand_with_the_data(world) -> None:
    rows = [path for path in world.sources.rows if path.stem in {"drums", "loss"}]
    page = make_report(replace(world.sources, rows=rows), world.with_gallery(0)).html
    data, figures = Page(page).seen("data"), Page(page).seen("figures")
    for fault in FAULTS["irmas"]:
        assert fault.text in data
        assert fault.source in data
    assert FAULTS["esc50"][0].text not in data
    assert "Drums beside each instrument" in data
    assert "Drums beside each instrument" not in figures


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a `b` c", "a <code>b</code> c"),
        ("`<b>` & `c`", "<code>&lt;b&gt;</code> &amp; <code>c</code>"),
        ("one ` only", "one ` only"),
        ("", ""),
    ],
)
def test_backticks_become_code(text: str, html: str) -> None:
    assert with_code(text) == html


def test_long_names_can_be_broken_where_their_words_meet() -> None:
    assert breakable("loss.pos_weight <1>") == "loss.<wbr>pos_<wbr>weight &lt;1&gt;"
    assert breakable(0.25) == "0.25"


def test_the_same_files_give_the_same_bytes(world, sources, report, tmp_path) -> None:
    again = make_report(sources, world.settings)
    for name, made in {"a": report, "b": again}.items():
        write_report(made, tmp_path / name / "report.html", tmp_path / name / "figures", tmp_path / name / "gallery")
    files = {path.relative_to(tmp_path / "a"): path for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert len(files) == 1 + 2 * len(report.figures) + len(report.gallery) + 1
    for name, path in files.items():
        assert (tmp_path / "b" / name).read_bytes() == path.read_bytes(), name
    assert str(world.root) not in report.html


def test_pictures_of_an_earlier_report_do_not_stay(world, report, tmp_path) -> None:
    places = tmp_path / "report.html", tmp_path / "figures", tmp_path / "gallery"
    write_report(report, *places)
    write_report(make_report(few_figures(world.sources), world.with_gallery(0)), *places)
    assert sorted({path.stem for path in places[1].iterdir()}) == ["loss", "map_macro"]
    assert [path.name for path in places[2].iterdir()] == ["gallery.json"]
    assert json.loads((places[2] / "gallery.json").read_text()) == []
    assert "No test clip is shown" in places[0].read_text()


def test_published_corpora_come_with_their_terms(world) -> None:
    page = make_report(few_figures(world.sources), replace(world.settings, rendered=False, gallery=0)).html
    assert "Audio: CC BY-NC-SA 3.0 (no commercial use)" in page
    assert "SoundFont" not in page


def few_figures(sources):
    return replace(sources, rows=[path for path in sources.rows if path.parent.name == "train"])


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("data/scores/model.csv", "score"),
        ("data/labels.csv", "duplicates"),
        ("data/split.csv", "split"),
        ("data/taxonomy.json", "duplicates"),
        ("data/evaluation.json", "evaluate"),
        ("data/model/model.json", "train"),
        ("data/model/model.safetensors", "train"),
        ("data/clips/miniature/irmas/clips.csv", "ingest"),
        ("data/clips/miniature/irmas/rejected.csv", "ingest"),
        ("data/clips/miniature/irmas/card.json", "ingest"),
        ("metrics/split.json", "split"),
        ("metrics/train.json", "train"),
        ("metrics/duplicates.json", "duplicates"),
        ("plots/train/loss.json", "train"),
    ],
)
def test_a_missing_file_names_the_stage_that_makes_it(own_world, path: str, stage: str) -> None:
    (own_world.root / path).unlink()
    with pytest.raises(UserError, match=f"is missing; run `dvc repro {stage}"):
        make_report(few_figures(own_world.sources), own_world.with_gallery(0))


@pytest.mark.parametrize(
    ("path", "key", "message"),
    [
        ("data/evaluation.json", ("test",), "no metrics of split 'test'"),
        ("data/evaluation.json", ("test", "rules"), "split 'test' lacks rules"),
        ("data/evaluation.json", ("test", "per_instrument", "vio"), "no threshold of vio"),
        ("data/evaluation.json", ("systems",), "no mapping `systems`"),
        ("data/model/model.json", ("trained",), "no mapping `trained`"),
        ("data/clips/miniature/irmas/card.json", ("title",), "is no corpus's card"),
        ("metrics/split.json", ("leaks",), r"lack leaks \(split.json\)"),
    ],
)
def test_files_of_another_version_are_refused(own_world, path, key, message) -> None:
    file = own_world.root / path
    content = json.loads(file.read_text())
    inner = content
    for name in key[:-1]:
        inner = inner[name]
    del inner[key[-1]]
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        make_report(few_figures(own_world.sources), own_world.with_gallery(0))


def test_reporting_needs_no_torch() -> None:
    code = "import sys, instrumentarium.reporting.report; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_overrides_have_a_card_where_there_are_any(own_world) -> None:
    def page() -> str:
        return make_report(few_figures(own_world.sources), own_world.with_gallery(0)).html

    assert "Overrides" not in page()
    changes = {"to_present": 2, "to_absent": 3, "to_unknown": 4, "unchanged": 5}
    overrides = {
        "file": "mine & yours.csv",
        "pairs": 14,
        "clips": 9,
        **changes,
        "by_instrument": {"cel": changes},
        "by_source": {"": 4, "<review>": 10},
    }
    file = own_world.root / "metrics/duplicates.json"
    for content, shown in (({"exact": 1, "overrides": None}, False), ({"exact": 1, "overrides": overrides}, True)):
        file.write_text(json.dumps(content), encoding="utf-8")
        text = page()
        assert ("Overrides" in text) is shown
        assert "overrides.file" not in text
    assert "overrides/mine &amp; yours.csv" in text
    assert "sources: not named (4), &lt;review&gt; (10)" in text
    row = re.search(r'<th scope="row">cello</th>((?:<td class="n">[0-9]+</td>)+)</tr>', text)
    assert row is not None
    assert re.findall(r">([0-9]+)<", row[1]) == ["2", "3", "4", "5"]
