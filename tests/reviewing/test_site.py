import io
import json
import wave

import numpy as np
import pytest
from PIL import Image
from reviewing.conftest import CLIP_IDS, LENGTHS, RATE_HZ, opened

from instrumentarium.drawing.spectrogram import log_mel
from instrumentarium.reviewing.site import GUARDS, LONGEST_NOTE, Request, Site, byte_range
from instrumentarium.tables.overrides import Override, read_overrides
from taxonomies import BAND3

TOKEN = "t0ken"
JSON = {"content-type": "application/json"}
FIRST, SECOND, THIRD = BAND3.codes


@pytest.fixture
def site(review) -> Site:
    return Site(review, TOKEN)


def get(site: Site, path: str, **headers: str):
    return site.answer(Request("GET", f"/{TOKEN}/{path}", headers))


def read(answer) -> dict:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def put(site: Site, place: int, content: object, headers: dict[str, str] = JSON, **more: str):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return site.answer(Request("PUT", f"/{TOKEN}/questions/{place}/decision", headers | more, body))


def test_the_page_names_only_what_this_server_has(site) -> None:
    page = get(site, "").body.decode()
    assert "http" not in page
    for name in ("review.css", "review.js"):
        assert f'"{name}"' in page
        assert get(site, name).status == 200
    assert "default-src 'self'" in GUARDS["Content-Security-Policy"]


def test_a_question_comes_with_all_that_is_known(site) -> None:
    shown = read(get(site, "questions/0"))
    names = BAND3.names
    assert shown["clip_id"] == CLIP_IDS[0]
    assert (shown["instrument"], shown["stated"], shown["relevance"]) == (names[FIRST], "present", 1.0)
    assert shown["proposed"] == "absent"
    assert shown["others"] == {"present": [], "absent": [names[SECOND]], "unsure": [names[THIRD]]}
    assert shown["duration_s"] == LENGTHS[0] / RATE_HZ
    assert (shown["decision"], shown["decided"], shown["next_open"]) == (None, 0, 1)


def test_sound_is_the_stored_samples(site, review) -> None:
    answer = get(site, "questions/1/sound.wav")
    assert answer.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.body)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        assert np.array_equal(np.frombuffer(file.readframes(-1), "<i2"), review.samples(1))
    assert len(review.samples(1)) == LENGTHS[1]


def test_parts_of_the_sound_can_be_asked_for(site) -> None:
    whole = get(site, "questions/1/sound.wav").body
    part = get(site, "questions/1/sound.wav", range="bytes=100-199")
    assert (part.status, part.headers["Content-Range"]) == (206, f"bytes 100-199/{len(whole)}")
    assert part.body == whole[100:200]
    assert get(site, "questions/1/sound.wav", range="bytes=-10").body == whole[-10:]
    beyond = get(site, "questions/1/sound.wav", range=f"bytes={len(whole)}-")
    assert (beyond.status, beyond.headers["Content-Range"], beyond.body) == (416, f"bytes */{len(whole)}", b"")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", range(10)),
        ("bytes=3-5", range(3, 6)),
        ("bytes=3-99", range(3, 10)),
        ("bytes=-4", range(6, 10)),
        ("bytes=-99", range(10)),
        ("bytes=0-0", range(1)),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_ranges_are_read_as_rfc_9110_says(header, expected) -> None:
    assert byte_range(header, 10) == expected


def test_the_picture_is_the_spectrogram(site, review) -> None:
    picture = Image.open(io.BytesIO(get(site, "questions/0/spectrogram.png").body))
    bands = log_mel(review.samples(0), RATE_HZ)
    assert picture.size == bands.shape[::-1]
    lightness = np.asarray(picture.convert("L"), dtype=np.float64)[::-1]
    assert np.array_equal(lightness.argmax(axis=0)[5:-40], bands.argmax(axis=0)[5:-40])


def test_a_decision_is_written_and_leads_to_the_next_open_question(site, review) -> None:
    shown = read(put(site, 1, {"word": "present", "note": "solo"}))
    assert shown["decision"] == {"word": "present", "source": "ear", "note": "solo"}
    assert (shown["decided"], shown["next_open"]) == (1, 2)
    assert read_overrides(review.decisions.path) == (Override(CLIP_IDS[1], THIRD, 1.0, "ear", "solo"),)
    read(put(site, 2, {"word": "absent"}))
    assert read(get(site, "questions/2"))["next_open"] == 0
    assert read(put(site, 0, {"word": "unsure"}))["next_open"] is None


def test_the_next_review_goes_on_at_the_first_open_question(site, repository) -> None:
    assert read(get(site, "state"))["first_open"] == 0
    put(site, 0, {"word": "absent"})
    put(site, 2, {"word": "absent"})
    again = Site(opened(repository), TOKEN)
    state = read(get(again, "state"))
    assert (state["count"], state["decided"], state["first_open"]) == (3, 2, 1)
    put(again, 1, {"word": "absent"})
    assert read(get(Site(opened(repository), TOKEN), "state"))["first_open"] is None


def test_a_decision_shows_among_the_other_labels_of_its_clip(site) -> None:
    put(site, 2, {"word": "present"})
    assert read(get(site, "questions/0"))["others"]["present"] == [BAND3.names[SECOND]]


def test_a_decision_can_be_withdrawn(site, review) -> None:
    put(site, 0, {"word": "absent"})
    answer = site.answer(Request("DELETE", f"/{TOKEN}/questions/0/decision"))
    assert read(answer)["decision"] is None
    assert read_overrides(review.decisions.path) == ()


@pytest.mark.parametrize("path", ["/", "/state", "/t0ke/state", "/t0kenn/", "/../t0ken/", "/é/state", ""])
def test_without_the_token_there_is_nothing(site, path) -> None:
    answer = site.answer(Request("GET", path))
    assert answer.status == 403
    assert "Open the one that `instrumentarium review` has printed" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    "path",
    ["nothing", "questions/3", "questions/-1", "questions/99999999999", "questions/0/x", "../review.js", "review.py"],
)
def test_other_addresses_hold_nothing(site, path) -> None:
    assert get(site, path).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON | {"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}, 200),
        (JSON | {"host": "127.0.0.1:1", "origin": "http://evil.example"}, 403),
        (JSON | {"host": "127.0.0.1:1", "origin": "null"}, 403),
        (JSON | {"sec-fetch-site": "cross-site"}, 403),
        (JSON | {"sec-fetch-site": "same-origin"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
    ],
)
def test_pages_of_other_sites_decide_nothing(site, review, headers, status) -> None:
    assert put(site, 0, {"word": "absent"}, headers).status == status
    assert review.decisions.path.exists() == (status == 200)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "is no JSON"),
        ({"word": "perhaps"}, "word: Input should be 'present', 'absent' or 'unsure'"),
        ({}, "word: Field required"),
        ({"word": "absent", "clip_id": "x"}, "clip_id: Extra inputs"),
        ({"word": "absent", "note": 3}, "note: Input should be a valid string"),
        ({"word": "absent", "note": "x" * (LONGEST_NOTE + 1)}, "at most 2000"),
        ([], "the decision: Input should be"),
    ],
)
def test_what_is_no_decision_is_refused(site, review, body, message) -> None:
    answer = put(site, 0, body)
    assert answer.status == 400
    assert message in json.loads(answer.body)["error"]
    assert not review.decisions.path.exists()


@pytest.mark.parametrize(("method", "path"), [("PUT", "state"), ("GET", "questions/0/decision"), ("DELETE", "")])
def test_other_methods_are_refused(site, method, path) -> None:
    assert site.answer(Request(method, f"/{TOKEN}/{path}")).status == 405
