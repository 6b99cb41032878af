import http.client
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from instrumentarium.reviewing.server import LARGEST_BODY, ReviewServer, ServerError
from instrumentarium.tables.overrides import read_overrides


@pytest.fixture
def server(review) -> Iterator[ReviewServer]:
    with ReviewServer(review, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Browser:
    """One connection, kept open."""

    def __init__(self, server: ReviewServer) -> None:
        address = urlsplit(server.url)
        self.base = address.path
        self.connection = http.client.HTTPConnection(address.netloc, timeout=10)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, self.base + path, body, names)
        response = self.connection.getresponse()
        return response, response.read()


@pytest.fixture
def browser(server) -> Iterator[Browser]:
    browser = Browser(server)
    yield browser
    browser.connection.close()


def test_a_connection_serves_a_whole_review(server, browser, review) -> None:
    response, body = browser.ask("GET", "")
    assert response.status == 200
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert response.headers["Cache-Control"] == "no-store"
    assert len(body) == int(response.headers["Content-Length"])
    response, body = browser.ask("GET", "questions/0/sound.wav", Range="bytes=0-43")
    assert (response.status, body[:4], len(body)) == (206, b"RIFF", 44)
    response, body = browser.ask("HEAD", "questions/0/sound.wav")
    assert (body, int(response.headers["Content-Length"])) == (b"", 16044)
    decision = json.dumps({"word": "absent"}).encode()
    response, _ = browser.ask("PUT", "questions/0/decision", decision, Content_Type="application/json")
    assert response.status == 200
    assert len(read_overrides(review.decisions.path)) == 1
    response, _ = browser.ask("DELETE", "questions/0/decision")
    assert (response.status, read_overrides(review.decisions.path)) == (200, ())


def test_it_is_reached_from_this_machine_only_and_each_has_a_token_of_its_own(server, review) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with ReviewServer(review, "127.0.0.1", 0) as other:
        assert other.token != server.token
        assert len(other.token) > 20


def test_too_much_is_not_read(browser, review) -> None:
    response, _ = browser.ask("PUT", "questions/0/decision", b"x" * (LARGEST_BODY + 1), Content_Type="application/json")
    assert response.status == 413
    assert not review.decisions.path.exists()


@pytest.mark.parametrize("length", ["-1", "many", "9" * 30])
def test_a_length_that_is_none_is_refused(browser, length) -> None:
    browser.connection.putrequest("PUT", f"{browser.base}questions/0/decision")
    browser.connection.putheader("Content-Length", length)
    browser.connection.endheaders()
    assert browser.connection.getresponse().status == 413


def test_a_file_that_cannot_be_written_is_told_and_the_review_goes_on(browser, review) -> None:
    review.decisions.path.parent.mkdir()
    review.decisions.path.write_text("broken\n")
    decision = json.dumps({"word": "absent"}).encode()
    response, body = browser.ask("PUT", "questions/0/decision", decision, Content_Type="application/json")
    assert response.status == 500
    assert "it must have clip_id, instrument" in json.loads(body)["error"]
    assert review.decisions.path.read_text() == "broken\n"
    review.decisions.path.unlink()
    response, _ = browser.ask("PUT", "questions/0/decision", decision, Content_Type="application/json")
    assert response.status == 200


def test_a_mistake_of_ours_is_no_silent_one(browser, review, monkeypatch, caplog) -> None:
    monkeypatch.setattr(review, "describe", lambda place: 1 / 0)
    response, body = browser.ask("GET", "questions/0")
    assert response.status == 500
    assert b"ZeroDivisionError" not in body
    assert "ZeroDivisionError" in caplog.text


def test_a_browser_that_goes_away_disturbs_nobody(server, browser, capfd) -> None:
    for _ in range(5):
        other = Browser(server)
        other.connection.request("GET", f"{other.base}questions/0/sound.wav")
        other.connection.close()
    assert browser.ask("GET", "state")[0].status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_taken_port_is_told(server, review) -> None:
    with pytest.raises(ServerError, match=f"port {server.server_address[1]} cannot be used .* --port"):
        ReviewServer(review, "127.0.0.1", server.server_address[1])
