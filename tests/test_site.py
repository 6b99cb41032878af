"""The documentation site is built without a network, and nothing on it leads nowhere or to another host by itself."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}
"""What a browser fetches by itself; of a <link>, what has a `rel` of one of RELS."""
RELS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect"}


class Page(HTMLParser):
    """The ids of a page, where it leads, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        for name, value in values.items():
            if (tag, name) in LOADED and (tag != "link" or values.get("rel", "") in RELS):
                self.loads.append(value)


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """Return the pages of a site that `make site` builds."""
    run = subprocess.run([sys.executable, ROOT / ".ci" / "site.py"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    site = ROOT / "build" / "site"
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert not broken, "\n".join(broken)
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_no_page_loads_anything_from_another_host(pages: dict[Path, Page]) -> None:
    loaded = {load for page in pages.values() for load in page.loads}
    assert loaded
    assert not [load for load in loaded if urlsplit(load).netloc]
    for path, page in pages.items():
        for load in page.loads:
            assert (path.parent / urlsplit(load).path).resolve().exists(), f"{path.name}: {load}"


def test_no_page_has_what_a_script_of_another_host_would_draw(pages: dict[Path, Page]) -> None:
    assert not [path.name for path in pages if 'class="mermaid"' in path.read_text(encoding="utf-8")]
    assert "flowchart" not in (ROOT / "build" / "site" / "index.html").read_text(encoding="utf-8")


def test_the_reference_shows_what_is_public(pages: dict[Path, Page]) -> None:
    ids = {name for page in pages.values() for name in page.ids}
    for name in (
        "api.model.Model",
        "evaluation.metrics.f1_macro",
        "predicting.ladder.Files2Table",
        "tables.schemas.scores_table",
        "publishing.modelfolder.publish_model",
    ):
        assert f"instrumentarium.{name}" in ids, name
