"""What people call instruments: codes and names, alone or in lists, in a cell, a text file or a folder's name.

`cel`, `Cello`, `acoustic guitar`, `acoustic_guitar`; lists as `cel, vio`, `cel;vio`, `cel-vio`, `cel vio` or one a line.
`none` says that no instrument plays, `?` that nobody knows which do.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from instrumentarium.corpora.own.params import Absent
from instrumentarium.tables.taxonomy import CODES, INSTRUMENTS

NOTHING_PLAYS = frozenset({"none", "negative", "negatives"})
UNKNOWN = "?"


def plain(word: str) -> str:
    """Return `word` as names are compared: in lower case, with one blank for every run of blanks, "_" and "-"."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", word).casefold()).strip()


CODE_OF = {plain(word): instrument.code for instrument in INSTRUMENTS for word in (instrument.code, instrument.name)}
"""Every code and every name, as names are compared."""
_LONGEST = max(len(word.split()) for word in CODE_OF)
_ALLOWED = ", ".join(f"{instrument.code} ({instrument.name})" for instrument in INSTRUMENTS)


class InstrumentNameError(ValueError):
    """A word that names no instrument, or words that contradict each other; told together with where they stand."""


def nearest(word: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of `names` that the writer of `word` may have meant, or None."""
    matches = difflib.get_close_matches(plain(word), list(names), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def unknown_name(word: str) -> str:
    """Say that `word` names no instrument, which are known, and which may have been meant."""
    meant = nearest(word, CODE_OF)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"unknown instrument {word!r} (known: {_ALLOWED}){hint}"


def labels_from(text: str, absent: Absent) -> dict[str, bool]:
    """Return which instruments a list of names says play, and which it says don't; the others are unknown.

    A list without a name says what `absent` says of every instrument; `none` says that none plays, whatever `absent` is.

    Args:
        text: the list.
        absent: what the list says of instruments that it doesn't name: they don't play ("negative"), or it says nothing
            of them ("unobserved").

    Raises:
        InstrumentNameError: if a word names no instrument, or `none` or `?` stands beside others.
    """
    parts = [part for part in map(plain, re.split(r"[,;|/+\n]", text)) if part]
    alone = [part for part in parts if part == UNKNOWN or part in NOTHING_PLAYS]
    if alone and len(parts) > 1:
        raise InstrumentNameError(f"{alone[0]!r} must stand alone, found {text.strip()!r}")
    if alone == [UNKNOWN]:
        return {}
    if alone:
        return dict.fromkeys(CODES, False)
    named = {code for part in parts for code in _codes_in(part)}
    return {code: code in named for code in CODES if code in named or absent == "negative"}


def _codes_in(part: str) -> Iterable[str]:
    """Yield the instruments that words between blanks name, the longest names first: some consist of two words."""
    words = part.split()
    while words:
        lengths = range(min(_LONGEST, len(words)), 0, -1)
        taken = next((length for length in lengths if " ".join(words[:length]) in CODE_OF), None)
        if taken is None:
            raise InstrumentNameError(unknown_name(part if nearest(part, CODE_OF) else words[0]))
        yield CODE_OF[" ".join(words[:taken])]
        del words[:taken]
