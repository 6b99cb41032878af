import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import DamagedFileError, read_json, read_seal, sealed, unseal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
WHERE = Path("some.json")


@given(st.dictionaries(st.text().filter(lambda key: key != "sha256"), JSON))
def test_a_seal_holds_however_the_content_is_written(content: dict):
    for text in (
        json.dumps(sealed(content)),
        json.dumps(sealed(content), indent=4, sort_keys=True, ensure_ascii=False),
    ):
        rest, seal = unseal(json.loads(text), WHERE)
        assert rest == content
        assert seal == sealed(content)["sha256"]


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_the_seal_of_another_content_breaks(one: dict, two: dict):
    if json.dumps(one, sort_keys=True) != json.dumps(two, sort_keys=True):
        with pytest.raises(DamagedFileError, match=r"some\.json: it is damaged or was changed"):
            unseal({**two, "sha256": sealed(one)["sha256"]}, WHERE)


def test_content_without_a_seal_has_none():
    assert unseal({"a": 1}, WHERE) == ({"a": 1}, None)


def test_a_known_seal_stays_the_same_in_later_versions():
    assert sealed({"b": [1, 0.5], "a": "ü"})["sha256"] == (
        "c00e2228c42c51603f7a2f1a5bb8652b699178a6f3cd9b7a00bc150c6a1dc930"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "it is no JSON: byte 0 is no UTF-8"),
        (b"", "it is no JSON: Expecting value"),
        (b"[" * 100_000, "nested more than 100 deep"),
        (b"9" * 5000, "it is no JSON: it has a whole number beyond 64 bits"),
        (b"[NaN]", "it is no JSON: it has a number that is not finite"),
        ("{}".encode("utf-16"), "it is no JSON: byte 0 is no UTF-8"),
    ],
)
def test_what_is_no_json_says_why(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "some.json").write_bytes(content)
    with pytest.raises(DamagedFileError, match=said):
        read_json(tmp_path / "some.json")


@pytest.mark.parametrize("content", [{"a": 1}, {"a": 1, "sha256": "0" * 64}, [1]])
def test_a_seal_that_is_not_there_or_broken_cannot_be_read(tmp_path: Path, content: object):
    path = tmp_path / "some.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DamagedFileError, match=r"lacks sha256|is damaged"):
        read_seal(path)
    write_json(path, sealed({"a": 1}))
    assert read_seal(path) == sealed({"a": 1})["sha256"]
