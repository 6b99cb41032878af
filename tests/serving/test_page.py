"""The page in a real browser: by mouse, by keyboard, on a phone, with the numbers of the command."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from browser import chromium
from model_fixtures import Parts
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from predicting.made import ladder_of
from serving.conftest import Server
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.evaluation.thresholds import Thresholds
from taxonomies import IRMAS11

expect.set_options(timeout=30_000)  # ms, on a machine that does much else

Serve = Callable[..., Server]
NAMES = [IRMAS11.names[code] for code in IRMAS11.codes]


class Alternating:
    """A model to which loud windows are celli, the others clarinets; some organ is everywhere."""

    card = Parts(taxonomy=IRMAS11).card()

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        loud = np.abs(windows.astype(np.float32)).max(axis=1) > 5000
        scores = np.full((len(windows), len(IRMAS11)), 0.03, np.float32)
        scores[:, 0], scores[:, 1], scores[:, 5] = np.where(loud, 0.9, 0.1), np.where(loud, 0.2, 0.8), 0.4
        return scores


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(ladder_of(Alternating(), 0.5))  # type: ignore[arg-type]


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """Return 8 s: four loud, then four soft ones."""
    time_s = np.arange(8 * 16000) / 16000
    path = tmp_path / "tune, 'soft'.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_s) * np.where(time_s < 4, 1, 0.1), 16000)
    return path


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """Return the page, opened; in the end nothing was complained about and nothing asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, complaints = context.new_page(), list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            complaints.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request", lambda asked: asked.url.startswith((server.url, "blob:", "data:")) or complaints.append(asked.url)
    )
    opened.goto(server.url)
    opened.wait_for_selector("body[data-ready]")
    yield opened
    context.close()
    assert not complaints


def show(page: Page, file: Path) -> None:
    page.set_input_files("#file", file)
    expect(page.locator("#result")).to_be_visible()


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition; the browser's own waiting takes eval, which the page's policy forbids."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)


def downloaded(page: Page, button: str) -> tuple[str, str]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_text()


def rows(page: Page) -> dict[str, tuple[str, str]]:
    """Return mark and score of each instrument in the table of scores."""
    cells = page.locator("#scores tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    return {name: (mark, score) for mark, name, score, _ in cells}


def test_scores_timeline_spectrogram_and_player(page: Page, server: Server, tune: Path) -> None:
    expect(page.locator("#limits")).to_contain_text("up to 2 MB and 1:00 minutes long")
    show(page, tune)
    expect(page.locator("#result-heading")).to_have_text("tune, 'soft'.wav (0:08)")
    expect(page.locator("#result-heading")).to_be_focused()
    expect(page.locator("#summary")).to_have_text("Plays: cello.")
    found = rows(page)
    assert list(found)[:2] == ["clarinet", "cello"] or list(found)[:2] == ["cello", "clarinet"]
    assert {name for name, (mark, _) in found.items() if mark == "✓"} == {"cello"}
    assert found["organ"] == ("", "0.40")
    page.wait_for_selector("#spectrogram[data-drawn]")
    drawn = page.evaluate(
        "() => { const c = document.querySelector('#spectrogram');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let loud = 0, soft = 0; for (let n = 0; n < d.length; n += 4) { const x = n / 4 % c.width / c.width;"
        " if (x < 0.45) loud += d[n]; if (x > 0.55) soft += d[n]; } return [loud, soft]; }"
    )
    assert drawn[0] > drawn[1] > 0
    wait_until(page, "document.querySelector('#player').duration > 7.9")


def test_the_cursor_follows_and_a_click_plays_from_there(page: Page, tune: Path) -> None:
    show(page, tune)
    wait_until(page, "document.querySelector('#player').readyState > 0")
    box = page.locator("#spectrogram").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 20)
    wait_until(page, "Math.abs(document.querySelector('#player').currentTime - 4) < 2")
    page.evaluate("document.querySelector('#player').pause(); document.querySelector('#player').currentTime = 6")
    wait_until(
        page,
        "() => { const [c, s] = ['#cursor', '#spectrogram'].map((id) => document.querySelector(id))"
        ".map((each) => each.getBoundingClientRect()); return Math.abs((c.left + 1 - s.left) / s.width - 0.75) < 0.01; }",
    )


def test_downloads_are_what_the_command_writes(browser: Browser, serve: Serve, model: Path, song: Path) -> None:
    path = model.parent / "thresholds.json"
    content = json.loads(path.read_text()) | {"rule": "per_instrument", "temperature": 1.7}
    content.pop("sha256", None)
    content["per_instrument"] = {code: 0.3 + 0.05 * n for n, code in enumerate(Thresholds.read(path).per_instrument)}
    path.write_text(json.dumps(content))
    page = browser.new_page()
    page.goto(serve().url)
    page.wait_for_selector("body[data-ready]")
    show(page, song)
    for button, format_, suffix in (
        ("JSON", "json", "json"),
        ("CSV", "csv", "csv"),
        ("Audacity labels", "audacity", "txt"),
    ):
        result = CliRunner().invoke(app, ["predict", "--model", str(model), "--format", format_, str(song)])
        wanted = result.stdout.replace(str(song), song.name)
        name, text = downloaded(page, button)
        assert name == f"song.{suffix}"
        if format_ == "json":  # JavaScript writes 1.0 as 1
            assert json.loads(text) == json.loads(wanted)
        else:
            assert text == wanted
    page.close()


def test_the_page_decides_as_the_server_does(page: Page, server: Server, tune: Path) -> None:
    served = server.predict(tune.read_bytes(), params={"frames": "true"}).json()
    model = server.client.get("/v1/models").json()["models"][0]
    for limit in (0.05, 0.35, 0.5, 0.85, 0.95):
        strict = server.service.audio2timeline
        strict.thresholds[:] = limit
        wanted = server.predict(tune.read_bytes()).json()
        found = page.evaluate(
            "async ([prediction, model, limit]) => { const t = await import('./page/timeline.js');"
            " return t.decidedBy(prediction, model, t.sameLimits(model, limit)); }",
            [served, model, limit],
        )
        assert found["instruments"] == wanted["instruments"], limit
        assert found["timeline"] == wanted["timeline"], limit
    there_and_back = page.evaluate(
        "async () => { const t = await import('./page/timeline.js');"
        " return [0, 0.1, 0.9, 1].map((s) => t.uncalibrated(t.calibrated(s, 1.7), 1.7)); }"
    )
    assert there_and_back == pytest.approx([0, 0.1, 0.9, 1])


def test_everything_is_done_by_keyboard(page: Page, tune: Path) -> None:
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    assert page.locator("label[for=file]").evaluate("label => getComputedStyle(label).outlineStyle") == "solid"
    with page.expect_file_chooser() as chooser:
        page.evaluate("0")  # answered once the browser awaits its dialog, for which Playwright does not wait
        page.keyboard.press("Enter")
    chooser.value.set_files(tune)
    expect(page.locator("#result-heading")).to_be_focused()

    def tab_to(locator: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.locator(locator).first.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{locator} is not reached by Tab")

    tab_to("#threshold")
    page.keyboard.press("Home")
    expect(page.locator("#threshold-state")).to_have_text("0.01 for all instruments")
    assert all(mark == "✓" for mark, _ in rows(page).values())
    page.keyboard.press("End")
    expect(page.locator("#summary")).to_have_text("No instrument is recognised.")
    tab_to("#own")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_have_text("Plays: cello.")
    expect(page.locator("#threshold")).to_be_focused()
    tab_to("summary")
    page.keyboard.press("Enter")
    tab_to("#stretches button")
    page.keyboard.press("Enter")
    wait_until(page, "!document.querySelector('#player').paused")
    tab_to("[data-format=csv]")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    (first, *_) = csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text()))
    assert (first["path"], first["name"], first["present"]) == ("tune, 'soft'.wav", "cello", "true")


def test_a_file_may_be_dropped(page: Page, tune: Path) -> None:
    page.evaluate(
        """bytes => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], "dropped.wav"));
            for (const kind of ["dragover", "drop"]) {
                document.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
            }
        }""",
        list(tune.read_bytes()),
    )
    expect(page.locator("#result-heading")).to_have_text("dropped.wav (0:08)")


def test_the_microphone_is_recorded_and_recognised(page: Page) -> None:
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop (0:02)")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#result-heading")).to_contain_text("recording.webm (0:0")
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    wait_until(page, "Number.isFinite(document.querySelector('#player').duration)")


def test_what_is_refused_is_told_aloud(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_bytes(b"no audio")
    page.set_input_files("#file", tmp_path / "notes.wav")
    expect(page.get_by_role("alert")).to_contain_text("notes.wav: not readable as audio")
    (tmp_path / "large.wav").write_bytes(bytes(2_100_000))
    page.set_input_files("#file", tmp_path / "large.wav")
    expect(page.get_by_role("alert")).to_contain_text("2.1 MB; the server takes 2 MB")
    expect(page.locator("#result")).to_be_hidden()


@pytest.mark.parametrize("width", [375, 1280])
def test_it_fits_and_can_be_touched(page: Page, tune: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, tune)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for button in page.locator("button:visible, .button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 35, button.text_content()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    tracks = page.locator(".track").evaluate_all("all => all.map(each => each.getBoundingClientRect().left)")
    left = page.locator("#spectrogram").evaluate("each => each.getBoundingClientRect().left")
    assert set(tracks) == {left}, "the timeline does not lie under the spectrogram"


def test_the_tables_of_the_interface_are_headed_and_scrolled_by_keyboard(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{server.url}/docs")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert all(page.locator("th").all_text_contents())
    regions = page.locator(".scroll").evaluate_all("all => all.map(each => [each.tabIndex, each.ariaLabel])")
    assert len(regions) > 10
    assert {place for place, _ in regions} == {0}
    assert len({name for _, name in regions}) == len(regions)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, server: Server, tune: Path, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(server.url)
    page.wait_for_selector("body[data-ready]")
    show(page, tune)
    ground = colour(page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor"))
    for place in ("body", ".note", ".name", "figcaption", "a", ".plays .name"):
        ink = colour(page.locator(place).first.evaluate("each => getComputedStyle(each).color"))
        assert contrast(ink, ground) >= 4.5, place  # WCAG 2.2, 1.4.3
    box = colour(page.locator(".stretch").first.evaluate("each => getComputedStyle(each).backgroundColor"))
    assert contrast(box, ground) >= 3  # 1.4.11
    page.close()


def colour(text: str) -> tuple[float, float, float]:
    red, green, blue = (int(part) for part in text.partition("(")[2].rstrip(")").split(",")[:3])
    return red / 255, green / 255, blue / 255


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    def luminance(parts: tuple[float, float, float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
