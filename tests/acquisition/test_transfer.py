import gzip
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from publisher import Flaw, Publisher
from urllib3.exceptions import MaxRetryError

from instrumentarium.acquisition.transfer import (
    RETRIES,
    RemoteFile,
    TransferError,
    metadata_path,
    read_metadata,
    remote_length,
    seconds_to_wait,
    transfer,
)
from instrumentarium.runtime import progress

Fetch = Callable[..., str]


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "archive.zip.part"


@pytest.fixture
def fetch(publisher: Publisher, part: Path, waits: list[float]) -> Fetch:
    """Return a function that transfers the publisher's file into `part`."""

    def run(url: str = publisher.url, require_space: Callable[[int], None] = lambda n_bytes: None) -> str:
        return transfer(url, part, require_space)

    return run


def test_a_good_server_is_asked_once(fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]):
    assert fetch() == "identity"
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None]
    assert waits == []


def test_requests_name_this_program_and_want_the_bytes_as_they_are(fetch: Fetch, publisher: Publisher):
    fetch()
    assert publisher.asked[0]["User-Agent"] == "instrumentarium"  # Zenodo turns python-requests away
    assert publisher.asked[0]["Accept-Encoding"] == "identity"


def test_a_connection_that_drops_is_taken_up_where_it_broke(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-"]
    assert publisher.asked[1]["If-Range"] == '"first"'
    assert waits == [1.0]


def test_every_drop_that_brings_something_starts_the_count_anew(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.flaws.extend([Flaw(sends=30_000)] * 9)  # more often than there are attempts
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges[1:] == [f"bytes={30_000 * count}-" for count in range(1, 10)]
    assert waits == [1.0] * 9


def test_a_connection_that_only_ever_drops_is_given_up(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.flaws.append(Flaw(sends=50_000))
    publisher.always = Flaw(sends=0)
    with pytest.raises(TransferError, match=r"broke off after 50000 bytes .*; given up after 4 attempts"):
        fetch()
    assert waits == [1.0, 2.0, 4.0]
    assert publisher.ranges == [None, *["bytes=50000-"] * 3]
    assert part.read_bytes() == publisher.content[:50_000]


def test_a_server_that_ignores_ranges_and_drops_cannot_go_on_for_ever(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.takes_ranges = False
    publisher.always = Flaw(sends=100_000)
    with pytest.raises(TransferError, match="given up after 4 attempts"):
        fetch()
    assert len(publisher.asked) == 4
    assert waits == [1.0, 2.0, 4.0]


def test_a_server_that_ignores_ranges_sends_everything_anew(
    fetch: Fetch, publisher: Publisher, part: Path, caplog: pytest.LogCaptureFixture
):
    publisher.takes_ranges = False
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert "the server sends only whole files; the 100000 bytes that were kept are given up" in caplog.text


def test_silence_counts_as_a_drop(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.append(Flaw(sends=80_000, stalls=True))
    fetch()
    assert part.read_bytes() == publisher.content
    start = int(str(publisher.ranges[1]).removeprefix("bytes=").removesuffix("-"))
    assert 80_000 - 2**13 <= start <= 80_000  # what lay in an unfinished piece is fetched again


def test_silence_in_place_of_an_answer_is_given_up_soon(part: Path, waits: list[float]):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/archive.zip"
        with pytest.raises(TransferError, match=r"timed out.*given up after 2 attempts"):
            transfer(url, part, lambda n_bytes: None)
    assert waits == [1.0]
    assert not part.exists()


def test_a_port_where_nobody_listens_is_given_up_soon(part: Path, waits: list[float]):
    with pytest.raises(TransferError, match=r"Connection refused; given up after 2 attempts$"):
        transfer("http://127.0.0.1:1/archive.zip", part, lambda n_bytes: None)
    assert waits == [1.0]


def test_a_server_that_went_away_after_an_answer_gets_more_time(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.flaws.append(Flaw(status=503))
    publisher.always = Flaw(status=500)
    with pytest.raises(TransferError, match=r"answers 500 .*given up after 4 attempts"):
        fetch()
    assert waits == [1.0, 2.0, 4.0]


def test_a_network_that_went_away_after_an_answer_gets_more_time(part: Path, waits: list[float]):
    def answer_once() -> None:
        connection, _ = once.accept()
        once.close()
        with connection:
            connection.recv(2**16)
            connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    once = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{once.getsockname()[1]}/archive.zip"
    server = threading.Thread(target=answer_once)
    server.start()
    with pytest.raises(TransferError, match=r"Connection refused; given up after 4 attempts$"):
        transfer(url, part, lambda n_bytes: None)
    server.join()
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("url", ["http://", "archive.zip", "ftp://127.0.0.1/archive.zip", "http://[::1/archive.zip"])
def test_an_address_that_makes_no_sense_is_not_tried_again(url: str, part: Path, waits: list[float]):
    with pytest.raises(TransferError):
        transfer(url, part, lambda n_bytes: None)
    assert waits == []


def test_redirects_are_followed_with_the_range(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.append(Flaw(sends=100_000))
    fetch(publisher.moved)
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-"]


def test_a_length_that_promises_too_much_does_no_harm(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.append(Flaw(claims=100))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=300000-"]  # answered: there is no more


def test_a_server_that_always_promises_too_much_is_given_up(fetch: Fetch, publisher: Publisher):
    publisher.always = Flaw(claims=100)
    publisher.takes_ranges = False
    with pytest.raises(TransferError, match=r"after 300000 bytes .*; given up after 4 attempts"):
        fetch()


def test_a_length_that_promises_too_little_ends_the_file_there(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.append(Flaw(claims=-100))
    fetch()  # that it is not the archive, the checksum shows
    assert part.read_bytes() == publisher.content[:-100]


def test_an_answer_in_chunks_that_breaks_off_is_noticed(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.chunked = True
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-"]


def test_an_answer_without_any_length_is_taken_as_it_ends(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.says_length = False
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content[:100_000]


@pytest.mark.parametrize(("named", "waited"), [("7", 7.0), ("0", 1.0), ("100000", 900.0), ("soon", 1.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_names_a_time_is_given_it_within_bounds(
    status: int, named: str, waited: float, fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.flaws.append(Flaw(status=status, headers={"Retry-After": named}))
    fetch()
    assert part.read_bytes() == publisher.content
    assert waits == [waited]


def test_a_server_may_name_the_time_as_a_date(fetch: Fetch, publisher: Publisher, waits: list[float]):
    publisher.flaws.append(Flaw(status=429, headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)}))
    fetch()
    (waited,) = waits
    assert 50 < waited <= 60


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_answer_that_may_change_is_waited_for_longer_and_longer(
    status: int, fetch: Fetch, publisher: Publisher, part: Path, waits: list[float], caplog: pytest.LogCaptureFixture
):
    publisher.flaws.extend([Flaw(status=status)] * 3)
    fetch()
    assert part.read_bytes() == publisher.content
    assert waits == [1.0, 2.0, 4.0]
    assert f"archive.zip: the server answers {status}" in caplog.text
    assert "attempt 2 of 4 in 1 s" in caplog.text


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 416])
def test_an_answer_that_will_not_change_ends_the_transfer(
    status: int, fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    publisher.always = Flaw(status=status)
    with pytest.raises(TransferError, match=f"^the server answers {status} "):
        fetch()
    assert len(publisher.asked) == 1
    assert waits == []
    assert not part.exists()


def test_a_refusal_leaves_what_has_come(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(status=404)])
    with pytest.raises(TransferError, match="404"):
        fetch()
    assert part.read_bytes() == publisher.content[:100_000]
    fetch()
    assert part.read_bytes() == publisher.content


def test_a_file_that_changed_between_two_attempts_is_not_glued_to_the_old_half(
    fetch: Fetch, publisher: Publisher, part: Path, caplog: pytest.LogCaptureFixture
):
    new = bytes(reversed(publisher.content))
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(content=new, etag='"second"')])
    fetch()
    assert part.read_bytes() == new
    assert publisher.ranges == [None, "bytes=100000-"]
    assert "the file has changed; the 100000 bytes that were kept are given up" in caplog.text


def test_a_changed_file_is_noticed_where_the_server_ignores_the_condition(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    new = bytes(reversed(publisher.content))
    publisher.honours_if_range = False
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(content=new, etag='"second"')])
    fetch()
    assert part.read_bytes() == new
    assert publisher.ranges == [None, "bytes=100000-", None]


def test_a_changed_length_alone_shows_a_changed_file(fetch: Fetch, publisher: Publisher, part: Path):
    new = bytes(reversed(publisher.content)) + b"longer"
    publisher.etag = None
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(content=new)])
    fetch()
    assert part.read_bytes() == new
    assert "If-Range" not in publisher.asked[1]


def test_a_file_that_became_shorter_than_what_has_come_is_fetched_anew(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.etag = None
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(content=b"short")])
    fetch()
    assert part.read_bytes() == b"short"
    assert publisher.ranges == [None, "bytes=100000-", None]


def test_a_file_that_changes_with_every_attempt_is_given_up(fetch: Fetch, publisher: Publisher):
    publisher.flaws.extend(Flaw(sends=1000, etag=f'"{number}"') for number in range(20))
    with pytest.raises(TransferError, match="given up after 4 attempts"):
        fetch()


@pytest.mark.parametrize(
    ("etag", "last_modified", "condition"),
    [
        ('"strong"', "Wed, 29 Oct 2025 22:38:36 GMT", '"strong"'),
        ('W/"weak"', "Wed, 29 Oct 2025 22:38:36 GMT", "Wed, 29 Oct 2025 22:38:36 GMT"),
        ('W/"weak"', None, None),
        (None, None, None),
    ],
)
def test_the_condition_is_the_strongest_there_is(
    etag: str | None, last_modified: str | None, condition: str | None, fetch: Fetch, publisher: Publisher, part: Path
):
    publisher.etag, publisher.last_modified = etag, last_modified
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.asked[1].get("If-Range") == condition


def test_a_range_that_does_not_say_what_it_is_of_is_not_trusted(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.says_content_range = False
    publisher.flaws.append(Flaw(sends=100_000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-", None]


def test_a_range_that_starts_elsewhere_is_not_trusted(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(headers={"Content-Range": "bytes 99999-299999/300000"})])
    fetch()
    assert part.read_bytes() == publisher.content


def test_a_range_may_leave_the_length_open(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(headers={"Content-Range": "bytes 100000-299999/*"})])
    asked: list[int] = []
    fetch(require_space=asked.append)
    assert part.read_bytes() == publisher.content
    assert asked == [300_000, 200_000]


def test_a_server_that_grants_only_a_part_of_the_rest_is_asked_for_more(fetch: Fetch, publisher: Publisher, part: Path):
    some = {"Content-Range": "bytes 100000-149999/300000", "Content-Length": "50000"}
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(sends=50_000, headers=some)])
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_part_of_unknown_origin_is_taken_up(fetch: Fetch, publisher: Publisher, part: Path):
    part.write_bytes(publisher.content[:1000])
    publisher.flaws.append(Flaw(sends=2000))
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == ["bytes=1000-", "bytes=3000-"]
    assert [headers.get("If-Range") for headers in publisher.asked] == [None, '"first"']


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', "null"])
def test_unreadable_metadata_are_as_good_as_none(text: str, fetch: Fetch, publisher: Publisher, part: Path):
    part.write_bytes(publisher.content[:1000])
    metadata_path(part).write_text(text)
    assert read_metadata(part) is None
    fetch()
    assert part.read_bytes() == publisher.content


@pytest.mark.parametrize("says_content_range", [True, False])
def test_a_part_that_is_complete_is_left_as_it_is(
    says_content_range: bool, fetch: Fetch, publisher: Publisher, part: Path
):
    publisher.says_content_range = says_content_range
    part.write_bytes(publisher.content)
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == ["bytes=300000-"]


def test_a_part_that_its_metadata_call_complete_needs_no_server(fetch: Fetch, publisher: Publisher, part: Path):
    fetch()
    assert fetch() == "identity"
    assert len(publisher.asked) == 1


def test_a_part_that_is_too_long_is_fetched_anew(fetch: Fetch, publisher: Publisher, part: Path):
    part.write_bytes(publisher.content + b"more")
    fetch()
    assert part.read_bytes() == publisher.content


def test_a_part_from_another_address_is_given_up(fetch: Fetch, publisher: Publisher, part: Path):
    part.write_bytes(b"of another file")
    metadata_path(part).write_text(
        json.dumps({"url": "http://old/", "etag": None, "last_modified": None, "length": 99, "encoding": "identity"})
    )
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None]


def test_an_encoded_answer_is_kept_as_it_came_and_its_encoding_returned(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.content, publisher.encoding = gzip.compress(publisher.content), "gzip"
    publisher.flaws.append(Flaw(sends=100_000))
    assert fetch() == "gzip"
    assert part.read_bytes() == publisher.content


def test_an_encoded_half_is_not_glued_to_a_plain_one(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.etag = None
    publisher.flaws.append(Flaw(sends=100_000, headers={"Content-Encoding": "gzip"}))
    assert fetch() == "identity"
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-", None]


def test_the_room_for_what_is_still_to_come_is_asked_for_before_anything_is_written(
    fetch: Fetch, publisher: Publisher, part: Path
):
    class NoRoomError(Exception):
        pass

    def refuse(n_bytes: int) -> None:
        asked.append(n_bytes)
        raise NoRoomError

    asked: list[int] = []
    for _ in range(2):
        with pytest.raises(NoRoomError):
            fetch(require_space=refuse)
        assert not part.exists()
    publisher.flaws.extend([Flaw(sends=100_000), Flaw(status=404)])
    with pytest.raises(TransferError):
        fetch(require_space=asked.append)
    with pytest.raises(NoRoomError):
        fetch(require_space=refuse)
    assert part.read_bytes() == publisher.content[:100_000]
    assert asked == [300_000, 300_000, 300_000, 200_000]


def test_a_file_that_cannot_be_written_ends_the_transfer(
    fetch: Fetch, publisher: Publisher, part: Path, waits: list[float]
):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # stands for a full disk
    try:
        with pytest.raises(TransferError, match=r"archive\.zip\.part could not be written: File too large"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert waits == []
    assert 0 < part.stat().st_size <= 100_000
    fetch()
    assert part.read_bytes() == publisher.content


def test_the_length_is_asked_for_without_the_file(publisher: Publisher):
    assert remote_length(publisher.url) == 300_000
    assert publisher.heads == 1
    assert publisher.asked == []
    publisher.always = Flaw(status=405)
    assert remote_length(publisher.url) is None
    assert remote_length("http://127.0.0.1:1/archive.zip") is None


def test_waits_double_up_to_a_bound():
    waits: list[float] = []
    retries = RETRIES.new(connect=None)
    for _ in range(RETRIES.total):
        retries = retries.increment("GET")
        waits.append(seconds_to_wait(retries, None))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert 15 * 60 < sum(waits) < 25 * 60
    assert sum(waits[: RETRIES.connect]) < 15
    with pytest.raises(MaxRetryError):
        retries.increment("GET")


def test_metadata_conflict_where_both_have_a_value_and_these_differ():
    known = RemoteFile("http://a/", '"x"', None, 10, "identity")
    assert not known.conflicts_with(known)
    assert not known.conflicts_with(replace(known, etag=None, last_modified="then", length=None))
    for change in ({"etag": '"y"'}, {"length": 11}, {"encoding": "gzip"}, {"url": "http://b/"}):
        assert known.conflicts_with(replace(known, **change))


def test_a_bar_shows_bytes_rate_and_what_remains(
    fetch: Fetch, publisher: Publisher, part: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(progress, "DELAY_S", 0.0)
    monkeypatch.setitem(progress.INTERVAL_S, False, 0.0)
    part.write_bytes(publisher.content[:150_000])
    fetch()
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    assert any(line.startswith("archive.zip: ") and "/300k" in line and "B/s]" in line for line in lines)
    assert "150k/300k" in next(line for line in lines if line.startswith("archive.zip: "))  # where the part ended
    assert any("<00:" in line for line in lines)  # what remains


def test_ctrl_c_keeps_what_has_come_and_the_next_process_goes_on(fetch: Fetch, publisher: Publisher, part: Path):
    publisher.flaws.append(Flaw(sends=100_000, stalls=True))
    code = (
        "import sys; from pathlib import Path; from instrumentarium.acquisition import transfer; transfer.CHUNK = 1000; "
        "transfer.transfer(sys.argv[1], Path(sys.argv[2]), lambda n_bytes: None)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, publisher.url, str(part)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = time.monotonic() + 120
    while not (part.exists() and part.stat().st_size == 100_000):
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=120)[1]
    assert part.read_bytes() == publisher.content[:100_000]
    fetch()
    assert part.read_bytes() == publisher.content
    assert publisher.ranges == [None, "bytes=100000-"]


def test_nothing_is_logged_when_nothing_goes_wrong(fetch: Fetch, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        fetch()
    assert caplog.records == []
