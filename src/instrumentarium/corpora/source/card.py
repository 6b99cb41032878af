"""A corpus's card: what a user must know of it, and its archives as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from instrumentarium.corpora.source.opening import Members

UNPACKED = "verified by listing: names and counts are those published; no checksum of single files is, so bytes are not"
"""How files of an archive that its user has unpacked are verified."""
SUFFIXES = frozenset((".wav", ".ogg", ".txt", ".csv"))
"""Of the files that most parsers ask for: those of labels and sounds."""


@dataclass(frozen=True)
class Archive:
    """One file of the publisher: where it lies and how it is verified (by md5, or, where there is none, by its content).

    Where the publisher states no md5 and `content_problem` is None, nothing is verified when it is fetched: ingest then
    holds its files to the archive's own checksums and to the published counts. `part` names the part of the corpus that it
    holds, where a corpus can be used in part. An archive `on_request` is sent to whom the publisher grants it; `url` is
    where to ask.

    `content_problem` says what is wrong with the content of a file, or None. `about_bytes` is roughly how large the file
    is, by which disk space is checked where the server does not tell.

    `unpacked` holds the names that a folder of its content goes by: first the one with which all of its members' names
    begin, which unpacking gives. `unpacked_problem` says what is wrong with the files of such a folder, or None.
    `suffixes` are those of the files that the parser asks for.
    """

    name: str
    url: str
    md5: str | None
    content_problem: Callable[[Path], str | None] | None = None
    about_bytes: int = 0
    unpacked: tuple[str, ...] = ()
    unpacked_problem: Callable[[Members], str | None] | None = None
    suffixes: frozenset[str] = SUFFIXES
    part: str | None = None
    on_request: bool = False


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
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where the corpus says itself what its labels mean: the names of instruments that each may mean (tables/kinds.py)."""

    def of_parts(self, parts: Sequence[str] | None) -> Self:
        """Return the card with the archives of some parts only, and with those that belong to none; None for all."""
        if parts is None:
            return self
        return replace(self, archives=tuple(each for each in self.archives if each.part in (None, *parts)))

    def facts(self, *, used: bool, unpacked: Sequence[str] = ()) -> dict[str, object]:
        """Return what a report says of the corpus, and whether the collection uses it: the content of card.json.

        Where archives were read `unpacked`, it says which, and that nobody could verify their files' bytes; and which are
        `unverified`, since their publisher states no checksum.
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
        unverified = [each.name for each in self.archives if each.md5 is None and each.content_problem is None]
        facts |= {"unverified": unverified} if unverified else {}
        facts |= {"unpacked": dict.fromkeys(unpacked, UNPACKED)} if unpacked else {}
        return facts | ({"labels": {label: list(names) for label, names in self.labels.items()}} if self.labels else {})
