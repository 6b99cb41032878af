"""How labels and instruments' names are compared, and how a code is made of a name."""

import hashlib
import re
import unicodedata


def plain(word: str) -> str:
    """Return `word` as names are compared: in lower case, with one blank for every run of blanks, "_" and "-"."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", word).casefold()).strip()


def code_from(name: str) -> str:
    """Return a code for files and columns: lower case, accents dropped, "_" for whatever is no letter or digit.

    A name without a letter of the Latin alphabet gets a code by its md5.
    """
    bare = unicodedata.normalize("NFKD", name.casefold())
    code = re.sub(r"[^a-z0-9]+", "_", "".join(mark for mark in bare if not unicodedata.combining(mark))).strip("_")
    return code or f"label_{hashlib.md5(plain(name).encode(), usedforsecurity=False).hexdigest()[:8]}"
