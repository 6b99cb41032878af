"""What people call instruments: any name, alone or in lists, in a cell, a text file or a folder's name.

Lists as `cel, vio`, `cel; vio`, `cel | vio`, `cel/vio`, `cel+vio`, with tabs or one a line; blanks, "-" and "_" belong to a
name: `electric guitar`. Names that differ in case, blanks, "-" and "_" alone are one label. `none` says that no instrument
plays, `?` that nobody knows which do. What a name means is the taxonomy's affair, not this module's.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from instrumentarium.corpora.own.params import Absent
from instrumentarium.tables.schemas import EVERY_OTHER
from instrumentarium.tables.spelling import plain

NOTHING_PLAYS = frozenset({"none", "negative", "negatives"})
UNKNOWN = "?"
NOTHING_ELSE = {EVERY_OTHER: False}
"""What a list says that names all that plays."""


class InstrumentNameError(ValueError):
    """A word that can be no instrument's name, or words that contradict each other; reported with where they stand."""


def nearest(word: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of `names` that the writer of `word` may have meant, or None."""
    matches = difflib.get_close_matches(plain(word), list(names), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def spelled(name: str) -> str:
    """Return a name as it is kept: in NFC, without the blanks around it and with one for every run of blanks."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def labels_from(text: str, absent: Absent) -> dict[str, bool]:
    """Return which instruments a list of names says play, and what it says of all others, under EVERY_OTHER.

    A list without a name says what `absent` says of every instrument; `none` says that none plays, whatever `absent` is.

    Args:
        text: the list.
        absent: what the list says of instruments that it doesn't name: they don't play ("negative"), or it says nothing
            of them ("unobserved").

    Raises:
        InstrumentNameError: if `none` or `?` stands beside others, or a name is EVERY_OTHER.
    """
    names = {plain(part): spelled(part) for part in reversed(re.split(r"[,;|/+\n\t]", text)) if plain(part)}
    alone = [name for name in names if name == UNKNOWN or name in NOTHING_PLAYS]
    if alone and len(names) > 1:
        raise InstrumentNameError(f"{alone[0]!r} must stand alone, found {text.strip()!r}")
    if EVERY_OTHER in names:
        raise InstrumentNameError(f"{EVERY_OTHER!r} is no instrument's name, found {text.strip()!r}")
    if alone == [UNKNOWN]:
        return {}
    if alone:
        return dict(NOTHING_ELSE)
    others = NOTHING_ELSE if absent == "negative" else {}
    return {**dict.fromkeys(sorted(names.values()), True), **others}
