"""The review page in a real browser: keys, mouse, what is written, what is shown at two widths."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium
from reviewing.conftest import CLIP_IDS, opened, write_issues

from instrumentarium.reviewing.server import ReviewServer
from instrumentarium.tables.overrides import Override, read_overrides
from taxonomies import BAND3

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST, SECOND, THIRD = BAND3.codes


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def server(repository: Path) -> Iterator[ReviewServer]:
    with ReviewServer(opened(repository), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser, server) -> Iterator["Page"]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(10_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(server.url)
    asked(page, 1)
    yield page
    assert not [text for text in said if "ERR_FAILED" not in text and "500" not in text]
    context.close()


def asked(page: "Page", number: int) -> None:
    """Wait for a question, counted from 1, and for the page to take keys again."""
    page.get_by_text(f"Question {number} of 3").wait_for()
    page.wait_for_timeout(50)


def written(repository: Path) -> list[Override]:
    path = repository / "overrides" / "mine.csv"
    return list(read_overrides(path)) if path.exists() else []


def test_a_review_by_keyboard_alone(page, repository) -> None:
    page.keyboard.press("a")
    asked(page, 2)
    assert written(repository) == [Override(CLIP_IDS[0], FIRST, 0.0, "ear")]
    page.keyboard.press("s")
    asked(page, 3)
    page.keyboard.press("b")
    asked(page, 2)
    page.keyboard.press("n")
    page.keyboard.type("absent; pan flute")  # letters in a note decide nothing
    page.keyboard.press("Enter")
    assert len(written(repository)) == 1
    page.keyboard.press("u")
    asked(page, 3)
    page.keyboard.press("p")
    page.get_by_text("All 3 questions are decided").wait_for()
    assert "labels.overrides=mine.csv" in page.content()
    assert written(repository) == [
        Override(CLIP_IDS[0], FIRST, 0.0, "ear"),
        Override(CLIP_IDS[0], SECOND, 1.0, "ear"),
        Override(CLIP_IDS[1], THIRD, None, "ear", "absent; pan flute"),
    ]


def test_a_closed_page_goes_on_at_the_first_open_question(page, server, browser, repository) -> None:
    page.keyboard.press("p")
    asked(page, 2)
    page.close()
    again = browser.new_page()
    again.goto(server.url)
    asked(again, 2)
    assert len(written(repository)) == 1
    again.close()


def test_a_decision_is_seen_changed_and_withdrawn(page, repository) -> None:
    page.get_by_role("button", name="Present").click()
    asked(page, 2)
    page.get_by_role("button", name="Back").click()
    asked(page, 1)
    assert page.get_by_role("status").inner_text() == "Decided: plays (by ear)"
    assert page.get_by_role("button", name="Present").get_attribute("aria-pressed") == "true"
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert written(repository) == []
    page.keyboard.press("a")
    asked(page, 2)
    assert [override.relevance for override in written(repository)] == [0.0]


def test_the_clip_plays_and_the_cursor_follows(page) -> None:
    page.locator("#picture").click(position={"x": 300, "y": 20})
    page.wait_for_timeout(300)
    time_s, left = page.evaluate("() => [document.querySelector('audio').currentTime, cursor.style.left]")
    assert time_s > 0.3
    assert float(left.rstrip("%")) > 30
    assert page.locator("#spectrogram").evaluate("image => image.naturalWidth") == 400


def test_what_counts_for_and_against_takes_one_line(page, repository, browser) -> None:
    header = "rank,clip_id,instrument,stated,quality,neighbours_present,neighbours_absent"
    write_issues(repository, f"1,{CLIP_IDS[1]},{FIRST},absent,0.0023456,9,1", header=header)
    with ReviewServer(opened(repository), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        other = browser.new_page()
        other.goto(server.url)
        other.get_by_text("Question 1 of 1").wait_for()
        lines = other.evaluate(
            "() => [...facts.querySelectorAll('dt')].map(e => [e.innerText, e.nextSibling.innerText])"
        )
        other.close()
        server.shutdown()
        thread.join()
    assert dict(lines)["Label"] == "does not play (assumed: its corpus names no other instrument)"
    assert lines[3:] == [["rank", "1"], ["quality", "0.00235"], ["neighbours", "9 present, 1 absent"]]


def test_what_could_not_be_written_is_said_and_nothing_goes_on(page, server, repository) -> None:
    path = repository / "overrides" / "mine.csv"
    path.parent.mkdir()
    path.write_text("broken\n")
    page.keyboard.press("a")
    page.get_by_role("alert").get_by_text("it must have clip_id, instrument").wait_for()
    asked(page, 1)
    path.unlink()
    page.keyboard.press("a")
    asked(page, 2)
    assert page.get_by_role("alert").count() == 0


def test_a_server_that_does_not_answer_is_told(page, repository) -> None:
    page.route("**/decision", lambda route: route.abort())
    page.keyboard.press("a")
    page.get_by_role("alert").get_by_text("The server does not answer").wait_for()
    asked(page, 1)
    assert written(repository) == []


def test_letters_decide_nothing_where_they_are_switched_off(page, repository) -> None:
    page.get_by_text("Settings and help").click()
    page.get_by_label("Letters on the keyboard decide").uncheck()
    page.keyboard.press("a")
    page.wait_for_timeout(200)
    assert written(repository) == []


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_window_and_everything_can_be_reached(page, width) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    shown = page.evaluate(
        """() => [...document.querySelectorAll('button, input, audio, summary, img')].filter(e => e.checkVisibility())
        .map(e => [e.id || e.tagName, (e.innerText || e.alt || e.labels?.[0]?.innerText || e.tagName).trim()])"""
    )
    assert {name for name, _ in shown} == {
        *("spectrogram", "sound", "present", "absent", "unsure", "play", "back", "skip", "note", "SUMMARY")
    }
    assert all(label for _, label in shown)
    reached = set()
    for _ in range(20):  # the player has several stops of its own
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.tagName"))
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or "BODY" in reached, reached
    assert reached >= {"sound", "present", "absent", "unsure", "play", "skip", "note", "SUMMARY"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_themes(browser, server, scheme) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(server.url)
    asked(page, 1)
    pairs = page.evaluate(
        """() => [...document.querySelectorAll('h1, p, dt, dd, dd span, button, label, summary')]
        .filter(e => e.checkVisibility() && e.innerText && !e.disabled).map(e => {
          let under = e;
          while (getComputedStyle(under).backgroundColor === 'rgba(0, 0, 0, 0)') under = under.parentElement;
          return [e.innerText, getComputedStyle(e).color, getComputedStyle(under).backgroundColor];
        })"""
    )
    assert len(pairs) > 15
    for text, ink, paper in pairs:
        assert contrast(ink, paper) >= 4.5, (text, ink, paper)
    page.close()


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        levels = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
