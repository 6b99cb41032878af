"""JSON is read strictly: whatever is damaged ends in one kind of error with a message."""

import json
from pathlib import Path

import pytest

from instrumentarium.runtime.jsonfile import MAX_DEPTH, JsonError, parse_json, read_json


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("content", [None, True, [], {}, {"a": [1, -2.5, "ö", None, False]}, 2**63 - 1, -(2**63) + 1])
def test_what_is_json_is_read_as_python_reads_it(content: object):
    assert parse_json(json.dumps(content)) == content
    assert parse_json(json.dumps(content, ensure_ascii=False).encode()) == content


def test_a_byte_order_mark_is_passed_over():
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_nesting_is_allowed_up_to_the_bound():
    parse_json(nested(MAX_DEPTH))
    with pytest.raises(JsonError, match="nested more than 100 deep"):
        parse_json(nested(MAX_DEPTH + 2))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "Expecting value"),
        ('{"a": 1', "Expecting ',' delimiter"),
        ('{"a": 1} x', "Extra data"),
        ("[" * 100_000, "nested more than 100 deep"),
        ('{"a":' * 100_000, "nested more than 100 deep"),
        (nested(100_000), "nested more than 100 deep"),
        ('{"a": ' + "9" * 5000 + "}", "beyond 64 bits"),
        ("9" * 30, "beyond 64 bits"),
        ("-" + "9" * 400, "beyond 64 bits"),
        ("9" * 5000 + ".0", "not finite"),
        ("[1e999]", "not finite"),
        ('{"a": NaN}', "not finite"),
        ("-Infinity", "not finite"),
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ('{"\\ud800": 1}', "half a surrogate pair"),
        (b'{"a": "\xff"}', "byte 7 is no UTF-8"),
        (b"\0" * 100, "Expecting value"),
    ],
)
def test_what_is_no_strict_json_is_refused(text: str | bytes, match: str):
    with pytest.raises(JsonError, match=match):
        parse_json(text)


def test_the_message_of_a_file_names_it(tmp_path: Path):
    path = tmp_path / "some.json"
    path.write_bytes(b"\xff")
    with pytest.raises(JsonError, match=r"some\.json is no JSON: byte 0 is no UTF-8"):
        read_json(path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "other.json")
