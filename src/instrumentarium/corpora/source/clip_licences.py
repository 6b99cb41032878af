"""The licences of single clips, where a corpus's clips come from many artists.

Creative Commons licences go by their short names, such as `CC BY-NC-SA 3.0 US`, as those of whole corpora do; any other
goes by its title. A clip whose licence nobody states is `unknown`: whoever passes clips on must look it up or leave it.
"""

import re
from collections.abc import Iterable, Mapping

UNKNOWN = "unknown"
COLUMNS = ("sample_key", "license_title", "license_url")

_LICENCE = re.compile(r"creativecommons\.org/licen[cs]es/([a-z+-]+)/(\d\.\d)(?:/([a-z]{2})\b)?", re.IGNORECASE)
_PUBLIC_DOMAIN = re.compile(r"creativecommons\.org/publicdomain/(zero|mark)/(\d\.\d)", re.IGNORECASE)


def short_name(title: str, url: str) -> str:
    """Return the short name of a licence, by its address before its title; `unknown` without either."""
    licence = _LICENCE.search(url)
    if licence is not None:
        return " ".join(["CC", licence[1].upper(), licence[2], *([licence[3].upper()] if licence[3] else [])])
    public = _PUBLIC_DOMAIN.search(url)
    if public is not None:
        return f"{'CC0' if public[1].lower() == 'zero' else 'Public Domain Mark'} {public[2]}"
    return " ".join(title.split()) or url.strip() or UNKNOWN


def read_licences(rows: Iterable[Mapping[str | None, str | None]]) -> dict[str, str]:
    """Return the licence of each sample key; rows without a key are passed over.

    A key whose rows say different things is `unknown`.
    """
    licences: dict[str, str] = {}
    for row in rows:
        key = (row["sample_key"] or "").strip()
        if key:
            licence = short_name(row["license_title"] or "", row["license_url"] or "")
            licences[key] = licence if licences.get(key, licence) == licence else UNKNOWN
    return licences
