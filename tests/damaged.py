"""JSON that is damaged, or made to break readers: what every reader of a JSON file must refuse with its own message."""

DAMAGED_JSON = {
    "empty": b"",
    "cut": b'{"format": 2, "rule": "glo',
    "zeros": bytes(100),
    "no UTF-8": b'{"rule": "\xff"}',
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "digits": b'{"fixed": ' + b"9" * 5000 + b"}",
    "more than a float": b'{"fixed": ' + b"9" * 400 + b"}",
    "NaN": b'{"fixed": NaN}',
}
