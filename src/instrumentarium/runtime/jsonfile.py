"""Reading JSON strictly: the one way in for JSON that somebody may have edited, cut or damaged.

Python's own reader takes more than JSON (NaN, Infinity, a key twice, numbers too large for a float), and ends in errors
of four kinds on what it cannot take. This one takes RFC 8259 and I-JSON's bounds on numbers (RFC 7493), and has one error.
"""

import json
import math
from collections import Counter
from pathlib import Path

from instrumentarium.runtime.errors import UserError

MAX_DEPTH = 100
"""Levels of nesting; ours have ten at most, and whoever walks through the content may recurse."""
MAX_INTEGER = 2**63 - 1
"""The largest whole number that tables and arrays can hold."""


class JsonError(UserError, ValueError):
    """Content that is no strict JSON in UTF-8; the message says what was found."""


def parse_json(data: bytes | str) -> object:
    """Return the content of JSON text, a byte order mark or none before it.

    Raises:
        JsonError: if it is no UTF-8 or no JSON, is nested more than MAX_DEPTH deep, has an object with a key twice, a
            number that is not finite or a whole one beyond 64 bits, or text with half a surrogate pair.
    """
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        content: object = json.loads(text, object_pairs_hook=_object)
    except RecursionError:  # which as a cause would show a thousand frames
        raise JsonError(f"it is nested more than {MAX_DEPTH} deep") from None
    except JsonError:
        raise
    except UnicodeDecodeError as error:
        raise JsonError(f"byte {error.start} is no UTF-8 ({error.reason})") from error
    except json.JSONDecodeError as error:
        raise JsonError(str(error)) from error
    except ValueError as error:  # Python reads no whole number of more than 4300 digits
        raise JsonError("it has a whole number beyond 64 bits") from error
    _check(content)
    return content


def read_json(path: Path) -> object:
    """Return the content of a JSON file.

    Raises:
        OSError: if it cannot be read.
        JsonError: as `parse_json`, and naming the file.
    """
    try:
        return parse_json(path.read_bytes())
    except JsonError as error:
        raise JsonError(f"{path} is no JSON: {error}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise JsonError(f"the key {key[:100]!r} occurs twice in one object")
    return found


def _check(content: object) -> None:
    """Refuse what JSON's grammar allows, or Python's reader, and our readers cannot use; without recursion."""
    level, depth = [content], 0
    while level:
        if depth > MAX_DEPTH:
            raise JsonError(f"it is nested more than {MAX_DEPTH} deep")
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                _check_text(value)
            elif isinstance(value, float):
                if not math.isfinite(value):
                    raise JsonError("it has a number that is not finite")
            elif isinstance(value, int) and abs(value) > MAX_INTEGER:
                raise JsonError("it has a whole number beyond 64 bits")
        level, depth = below, depth + 1


def _check_text(value: str) -> None:
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise JsonError(f"it has half a surrogate pair in {value[:100]!r}") from error
