"""The report in a real browser, at the widths of a laptop and a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium

from instrumentarium.reporting.report import make_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('table')].map(t => [t.innerText.slice(0, 40), t.getBoundingClientRect()]);
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1).filter(([, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
  ).map(([other]) => [name, other]));
}"""
CLIPPED = """() => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.closest('.scroll, .cards > div');
  const right = box ? box.getBoundingClientRect().right : innerWidth;
  return e.getBoundingClientRect().right > right + 1;
}).map(e => e.outerHTML.slice(0, 80))"""

BROKEN = r"""() => {
  const found = [];
  for (const cell of document.querySelectorAll('.scroll td, .scroll th')) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
      if (text.parentElement.closest('code')) continue;
      for (const word of text.data.matchAll(/[^\s-]+/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(make_report(world.sources, world.settings).html, encoding="utf-8")
    return path


@pytest.fixture(params=[1280, 375])
def page(browser, report, request) -> Iterator["Page"]:
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.goto(report.as_uri())
    yield page
    page.close()


def test_no_table_lies_over_another_and_none_is_wider_than_the_page(page) -> None:
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    if page.viewport_size["width"] == 1280:
        assert page.evaluate(CLIPPED) == []


def test_no_word_of_a_table_that_scrolls_is_broken(page) -> None:
    assert page.evaluate(BROKEN) == []


def test_what_a_narrow_page_hides_can_be_scrolled_to_by_keyboard(page) -> None:
    regions = page.locator(".scroll")
    assert regions.count() >= 6
    for region in regions.all():
        assert region.get_attribute("tabindex") == "0"
        assert region.get_attribute("aria-label")


def test_every_picture_is_there_and_described(page) -> None:
    pictures = page.evaluate("() => [...document.images].map(i => [i.naturalWidth, i.alt])")
    assert len(pictures) > 20
    assert all(width and len(alt) > 10 for width, alt in pictures)


def test_nobody_reads_a_backtick(page) -> None:
    assert not re.findall(r".{0,30}`.{0,30}", page.evaluate("() => document.body.textContent"))


def test_every_section_can_be_jumped_to(page) -> None:
    for link in page.locator("nav a").all():
        target = link.get_attribute("href")
        assert page.locator(f"section{target}").count() == 1
