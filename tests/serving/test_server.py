"""The server: the command's numbers, a reason and a status for everything else, and nothing left behind."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from children import killed_after
from predicting.made import Steady, ladder_of
from serving.conftest import LIMITS, Server
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.predicting.batching import BATCH_SIZE
from instrumentarium.serving import limits as limits_module
from instrumentarium.serving.application import PAGE
from instrumentarium.serving.limits import Limits
from taxonomies import IRMAS11

Serve = Callable[..., Server]
FOLDER = Path(limits_module.__file__).parent
SCORES = [0.9, 0.1, *[0.2] * 9]


def wav(duration_s: float, rate_hz: int = 8000) -> bytes:
    buffer = io.BytesIO()
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    soundfile.write(buffer, 0.3 * np.sin(2 * np.pi * 440 * time_s), rate_hz, format="WAV")
    return buffer.getvalue()


class Held(Steady):
    """A model that scores only when it is let, and remembers the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__(IRMAS11, SCORES)
        self.free, self.begun, self.sizes = threading.Event(), threading.Event(), list[int]()
        self.warm = False

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        if self.warm:
            self.sizes.append(len(windows))
            self.begun.set()
            assert self.free.wait(20)
        self.warm = True  # the first call is the server's own, as it starts
        return super().windows(windows)


@contextmanager
def sending(server: Server, size: int, part: bytes) -> Iterator[socket.socket]:
    """Yield a connection on which a body of `size` bytes has begun with `part`."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + part)
        yield connection


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def command_json(model: Path, file: Path) -> dict[str, object]:
    result = CliRunner().invoke(app, ["predict", "--model", str(model), "--format", "json", str(file)])
    (found,) = json.loads(result.stdout)
    return dict(found)


def test_a_file_and_a_body_have_the_json_of_the_command(serve: Serve, model: Path, song: Path) -> None:
    server, wanted = serve(), command_json(model, song)
    form = server.client.post("/v1/predict", files={"file": ("songs/My song.wav", song.read_bytes())})
    assert (form.status_code, form.json()) == (200, wanted | {"path": "My song.wav"})
    raw = server.predict(song.read_bytes())
    assert (raw.status_code, raw.json()) == (200, wanted | {"path": "-"})
    assert list(raw.json()) == list(wanted)


def test_frames_are_what_the_timeline_is_cut_from(serve: Serve, song: Path) -> None:
    server = serve()
    plain = server.predict(song.read_bytes()).json()
    found = server.predict(song.read_bytes(), params={"frames": "true"}).json()
    frames = found.pop("frames")
    assert found == plain
    assert {len(scores) for scores in frames["scores"].values()} == {3}  # 1.3 s in half seconds
    for part in plain["timeline"]:
        scores = frames["scores"][part["instrument"]]
        assert part["score"] == pytest.approx(np.mean(scores), abs=1e-5)  # each plays from end to end
        assert frames["strongest"][part["instrument"]]["score"] >= part["score"] - 1e-6


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "empty"),
        (b"no audio at all", 400, "not readable as audio"),
        (b"https://example.org/song.mp3", 400, "not readable as audio"),
        (b"file:///etc/passwd", 400, "not readable as audio"),
        (wav(0.05), 400, "too short: 400 frames"),
        (wav(2.0)[:9000], 400, "truncated"),
        (wav(61.0), 422, "longer than 60 s"),
        (bytes(2_000_001), 413, "larger than 2 MB"),
    ],
)
def test_what_cannot_be_predicted_is_refused_with_its_reason(
    serve: Serve, body: bytes, status: int, reason: str
) -> None:
    found = serve().predict(body)
    assert found.status_code == status
    assert reason in found.json()["error"]
    assert found.json()["id"] == found.headers["x-request-id"]
    assert "instrumentarium-serve" not in found.text, "where the server works is nobody's business"


def test_bytes_are_counted_where_no_length_is_announced(serve: Serve) -> None:
    server, sent = serve(), []

    def chunks() -> Iterator[bytes]:
        for _ in range(400):
            sent.append(100_000)
            yield bytes(100_000)

    try:
        assert server.predict(chunks()).status_code == 413  # type: ignore[arg-type]
    except httpx.WriteError:  # the server has answered and closed the connection
        assert sum(sent) < 40_000_000
    wait_until(lambda: server.counter("requests_total", route="/v1/predict", status="413") == 1)


def form(*parts: tuple[str, bytes], end: str = "--") -> bytes:
    body = b"".join(b"--x\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + f"--x{end}\r\n".encode()


FILE = 'Content-Disposition: form-data; name="file"; filename="a.wav"'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form(('Content-Disposition: form-data; name="audio"', wav(1.0))), "a part named 'audio'"),
        (form((FILE, wav(1.0)), (FILE, wav(1.0))), "several parts"),
        (form((FILE, b"")), "empty"),
        (form(("X: y", b"a")), "a part named ''"),
        (form((FILE, wav(1.0)))[:500], "breaks off"),
        (form(), "cannot be read|breaks off"),
        (b"nothing like a form", "cannot be read"),
        (form(("X: " + "y" * 9000, b"a")), "[Hh]eader"),
        (form(("\r\n".join(f"X{n}: y" for n in range(20)), b"a")), "[Hh]eader"),
    ],
)
def test_a_form_has_one_part_named_file(serve: Serve, body: bytes, reason: str) -> None:
    found = serve().predict(body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert found.status_code == 400
    assert re.search(reason, found.json()["error"]), found.text


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\songs\\passwd", "/etc/passwd"])
def test_a_name_is_shown_and_never_a_path(serve: Serve, name: str) -> None:
    found = serve().client.post("/v1/predict", files={"file": (name, wav(1.0))})
    assert found.json()["path"] == "passwd"


def test_a_form_without_a_boundary_is_refused(serve: Serve) -> None:
    found = serve().predict(b"x", headers={"Content-Type": "multipart/form-data"})
    assert (found.status_code, "boundary" in found.json()["error"]) == (400, True)


def test_a_full_house_says_when_to_come_again(serve: Serve) -> None:
    server, body = serve(queue=1), wav(1.0)
    with sending(server, len(body), body[:100]) as connection:
        wait_until(lambda: server.counter("requests_in_house") == 1)
        found = server.predict(body)
        assert (found.status_code, found.headers["retry-after"]) == (503, "2")
        connection.sendall(body[100:])
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert server.predict(body).status_code == 200


def test_time_is_bounded_while_it_uploads_and_while_it_is_scored(serve: Serve) -> None:
    body, held = wav(1.0), Held()
    server = serve(ladder_of(held, 0.5), request_s=0.5)
    with sending(server, len(body), body[:100]) as connection:
        assert connection.recv(12) == b"HTTP/1.1 408"
    found = server.predict(body)
    assert (found.status_code, "0.5 s" in found.json()["error"]) == (504, True)
    held.free.set()
    assert server.predict(body).status_code == 200


def test_a_failure_of_ours_is_an_id_to_the_client_and_a_traceback_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Held):
        def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
            if self.warm:
                raise ZeroDivisionError("a secret of ours")
            return super().windows(windows)

    server = serve(ladder_of(Broken(), 0.5))
    found = server.predict(wav(1.0))
    assert found.status_code == 500
    assert set(found.json()) == {"error", "id"}
    assert "secret" not in found.text
    assert "Traceback" not in found.text
    (record,) = [each for each in caplog.records if found.json()["id"] in each.getMessage()]
    assert record.exc_info
    assert server.client.get("/healthz").status_code == 200


def test_of_a_client_that_leaves_nothing_is_left(serve: Serve) -> None:
    body, held = wav(1.0), Held()
    server = serve(ladder_of(held, 0.5))
    folder = server.service._folder
    with sending(server, len(body), body[:100]):
        wait_until(lambda: bool(list(folder.iterdir())))
    wait_until(lambda: not list(folder.iterdir()))  # it left while it uploaded
    with sending(server, len(body), body):
        assert held.begun.wait(20)
        assert list(folder.iterdir())
    wait_until(lambda: not list(folder.iterdir()))  # and while it was scored
    wait_until(lambda: server.counter("clients_gone_total") == 2 and server.counter("requests_in_house") == 0)
    held.free.set()
    assert server.predict(body).status_code == 200
    wait_until(lambda: not list(folder.iterdir()))


def test_windows_of_many_clients_share_batches(serve: Serve) -> None:
    held, clients = Held(), 24
    server = serve(ladder_of(held, 0.5))
    body = wav(0.5)  # one window
    with ThreadPoolExecutor(clients) as pool:
        answers = [pool.submit(server.predict, body) for _ in range(clients)]
        assert held.begun.wait(20)
        wait_until(lambda: server.counter("decode_seconds_count") == clients)
        time.sleep(0.3)  # until the last ones wait for the model
        held.free.set()
        found = [answer.result() for answer in answers]
    assert {answer.status_code for answer in found} == {200}
    assert len({answer.text for answer in found}) == 1
    assert sum(held.sizes) == clients
    assert max(held.sizes) == BATCH_SIZE
    assert server.counter("batch_windows_count") == len(held.sizes)


def test_a_decoder_that_dies_costs_one_request(serve: Serve) -> None:
    server = serve()
    (child,) = server.service._decoders._children
    os.kill(child.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.predict, wav(1.0))
        wait_until(lambda: child.tasks == 1)
        os.kill(child.process.pid, signal.SIGKILL)
        found = answer.result()
    assert (found.status_code, "status -9" in found.json()["error"]) == (422, True)
    assert server.predict(wav(1.0)).status_code == 200
    assert server.counter("decoders_replaced") == 1


def test_decoding_is_bounded_in_processor_time_and_in_memory(serve: Serve) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(48_000_000, np.int16), 8000, format="FLAC")  # 100 minutes in a few kB
    server = serve(audio_s=1e6, decode_s=1, upload_mb=100)
    for _ in range(3):  # each has a second of its own: what came before does not count
        assert server.predict(wav(1.0)).status_code == 200
    (child,) = server.service._decoders._children
    limits = Path(f"/proc/{child.process.pid}/limits").read_text()
    assert re.search(r"Max data size +1000000000 ", limits)
    assert re.search(r"Max core file size +0 ", limits)
    slow = server.predict(buffer.getvalue())
    if slow.status_code != 200:  # processors of the year after next may be fast enough
        assert (slow.status_code, "processor time" in slow.json()["error"]) == (422, True)
    floats = io.BytesIO()
    soundfile.write(floats, np.full((6_000_000, 1), 0.5), 8000, format="WAV", subtype="FLOAT")
    tight = serve(audio_s=1e6, decode_memory_mb=200, upload_mb=100)
    greedy = tight.predict(floats.getvalue())
    assert greedy.status_code in {200, 400, 422}
    assert tight.predict(wav(1.0)).status_code == 200


def test_the_model_and_the_limits_are_told(serve: Serve) -> None:
    server = serve()
    (described,) = server.client.get("/v1/models").json()["models"]
    assert [each["code"] for each in described["instruments"]] == list(IRMAS11.codes)
    assert {each["threshold"] for each in described["instruments"]} == {0.01}
    assert server.client.get("/v1/models").json()["limits"] == {
        "upload_bytes": 2_000_000,
        "audio_s": 60.0,
        "request_s": 30.0,
    }
    assert server.client.get("/healthz").json() == {"status": "ok"}


def test_what_is_counted(serve: Serve) -> None:
    server = serve()
    server.predict(wav(1.0))
    server.predict(b"nothing")
    server.client.get("/no/such/place")
    text = server.client.get("/metrics").text
    for line in (
        'instrumentarium_requests_total{route="/v1/predict",status="200"} 1.0',
        'instrumentarium_requests_total{route="/v1/predict",status="400"} 1.0',
        'instrumentarium_requests_total{route="other",status="404"} 1.0',
        "instrumentarium_audio_seconds_total 1.0",
        "instrumentarium_requests_in_house 0.0",
    ):
        assert line in text, line
    assert "no/such/place" not in text


def test_pages_take_nothing_from_elsewhere(serve: Serve) -> None:
    server = serve()
    for place in ("/", "/docs", *(f"/page/{name}" for name in PAGE)):
        found = server.client.get(place)
        assert found.status_code == 200, place
        hosts = set(re.findall(r"https?://([\w.:-]+)", found.text)) - {"localhost:8000"}
        assert not hosts, place
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", found.text), f"{place}: the policy forbids it"


def test_only_the_pages_files_are_served(serve: Serve) -> None:
    client = serve().client
    for place in (
        "/page/../service.py",
        "/page/%2e%2e/service.py",
        "/page/..%2fservice.py",
        "/page/service.py",
        "/nothing",
    ):
        assert client.get(place).status_code == 404, place
    assert client.delete("/v1/predict").status_code == 405
    assert set(client.get("/nothing").json()) == {"error", "id"}


def test_every_file_of_the_page_is_served_or_a_template() -> None:
    assert {path.name for path in (FOLDER / "page").iterdir()} - set(PAGE) == {"reference.html.jinja"}


def test_the_reference_names_every_route_and_status(serve: Serve) -> None:
    client = serve().client
    schema, page = client.get("/openapi.json").json(), client.get("/docs").text
    assert set(schema["paths"]) == {"/v1/predict", "/v1/models", "/healthz", "/metrics"}
    assert all(f" {path}</code>" in page for path in schema["paths"])
    statuses = set(schema["paths"]["/v1/predict"]["post"]["responses"])
    assert statuses == {"200", "400", "408", "413", "422", "500", "503", "504"}
    assert "`" not in page


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"queue": 0}, "positive queue"), ({"audio_s": -1.0}, "positive audio_s"), ({"decode_memory_mb": 50}, "200 MB")],
)
def test_limits_that_no_server_can_have_are_refused(change: dict[str, float], reason: str) -> None:
    with pytest.raises(limits_module.LimitsError, match=reason):
        Limits(**(vars(LIMITS) | change))


RUN = [sys.executable, "-c", "from instrumentarium.commands.app import app; app()", "serve", "--port", "0"]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_lets_it_answer_what_it_has_and_leaves_nothing(model: Path, tmp_path: Path) -> None:
    body, temporary = wav(1.0), tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    command = [*RUN, "--model", str(model), "--decoders", "1"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process,
        killed_after(120, process),
    ):
        assert process.stderr is not None
        port = next(
            match[1] for line in process.stderr if (match := re.search(r"running on http://[\d.]+:(\d+)", line))
        )
        (folder,) = temporary.iterdir()
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as connection:
            connection.sendall(f"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            wait_until(lambda: any(folder.iterdir()))
            process.send_signal(signal.SIGTERM)
            next(line for line in process.stderr if "Shutting down" in line)
            wait_until(lambda: is_refused(int(port)))  # it says so right before it closes the port
            connection.sendall(body)
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        said = process.stderr.read()
        process.wait()
    assert answer.startswith(b"HTTP/1.1 200")
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert not list(temporary.iterdir())


def test_a_port_that_is_taken_is_wrong_use(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["serve", "--port", str(taken.getsockname()[1]), "--model", str(model), "--decoders", "1"]
        assert CliRunner().invoke(app, words).exit_code == 2
