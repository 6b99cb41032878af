"""A corpus's card: what a user must know of it, and its archives as data."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instrumentarium.corpora.source.opening import Members

UNPACKED = "verified by listing: names and counts are those published; no checksum of single files is, so bytes are not"
"""How files of an archive that its user has unpacked are verified."""


@dataclass(frozen=True)
class Archive:
    """One file of the publisher: where it lies and how it is verified (by md5, or, where there is none, by its content).

    `content_problem` says what is wrong with the content of a file, or None. `about_bytes` is roughly how large the file
    is, by which disk space is checked where the server does not tell.

    `unpacked` holds the names that a folder of its content goes by: first the one with which all of its members' names
    begin, which unpacking gives. `unpacked_problem` says what is wrong with the files of such a folder, or None.
    """

    name: str
    url: str
    md5: str | None
    content_problem: Callable[[Path], str | None] | None = None
    about_bytes: int = 0
    unpacked: tuple[str, ...] = ()
    unpacked_problem: Callable[[Members], str | None] | None = None


@dataclass(frozen=True)
class Licence:
    """One licence: what of a corpus it covers, and what it forbids."""

    covers: str
    name: str
    url: str  # empty where each clip has its own
    forbids: str = ""


@dataclass(frozen=True)
class Card:
    """What a user must know of a corpus before using it."""

    corpus: str
    title: str
    page: str  # where the publisher describes it
    licences: tuple[Licence, ...]
    citation: str
    archives: tuple[Archive, ...]
    remark: str = ""  # on the licences: where to look for more
    list_files: Callable[[Any, Path], str] | None = None
    """Where there are no archives: writes a list of the user's files into a folder, and says in a line what it found."""

    def facts(self, *, used: bool, unpacked: Sequence[str] = ()) -> dict[str, object]:
        """Return what a report says of the corpus, and whether the collection uses it: the content of card.json.

        Where archives were read `unpacked`, it says which, and that nobody could verify their files' bytes.
        """
        facts = {
            "corpus": self.corpus,
            "title": self.title,
            "page": self.page,
            "licences": [asdict(licence) for licence in self.licences],
            "citation": self.citation,
            "remark": self.remark,
            "used": used,
        }
        return facts | ({"unpacked": dict.fromkeys(unpacked, UNPACKED)} if unpacked else {})
