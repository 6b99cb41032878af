"""What the licences allow: shown once to each user, and written beside the archives as LICENSES.md."""

import logging
from collections.abc import Collection, Sequence

from instrumentarium.acquisition.soundfonts import SHIPPED, SoundFontChoice, SoundFontFile
from instrumentarium.corpora.source.card import UNPACKED, Archive, Card, Licence
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.files import write_text_atomically

logger = logging.getLogger(__name__)

FILE = "LICENSES.md"
_TIMGM6MB = (
    "- samples: the TimGM6mb SoundFont by Tim Brechbill, as pretty_midi ships it, GPL 2 "
    "(<https://www.gnu.org/licenses/old-licenses/gpl-2.0.html>)"
)


def published(card: Card, unpacked: Collection[str] = ()) -> str:
    """Return the text of LICENSES.md beside the publisher's archives; wherever they came from, it is the same.

    Of archives whose names are `unpacked`, it says that they were.
    """
    archives = [f"- {archive.name}, {_verified(archive, unpacked)}: <{archive.url}>" for archive in card.archives]
    return _document(
        f"{card.title}: licences",
        f"The archives in this folder are the publisher's, untouched: <{card.page}>. They are not ours to pass on.",
        "\n".join(_line(licence) for licence in card.licences),
        card.remark,
        "## Archives",
        "\n".join(archives),
        "## Citation",
        card.citation,
    )


def rendered(card: Card, soundfonts: Sequence[SoundFontChoice] = ()) -> str:
    """Return the text of LICENSES.md beside rendered archives, which hold none of the publisher's audio."""
    fonts = [_TIMGM6MB] if SHIPPED in soundfonts or not soundfonts else []
    fonts += [
        f"- samples: the SoundFont {font.name}, md5 {font.md5}, under the licence that came with it"
        for font in soundfonts
        if isinstance(font, SoundFontFile)
    ]
    return _document(
        f"{card.title}, miniature: licences",
        f"The archives in this folder have the names and the layout of {card.title} (<{card.page}>), but none of its audio "
        "and none of its labels: everything in them was composed and rendered on this machine.",
        "\n".join(fonts),
        "## Citation of the corpus that it stands in for",
        card.citation,
    )


def show_once(card: Card) -> None:
    """Log a corpus's licences, unless this user was shown the very same before; the user's cache remembers."""
    shown = cache_folder() / "licences" / f"{card.corpus}.md"
    text = published(card)
    if shown.exists() and shown.read_text(encoding="utf-8") == text:
        return
    lines = "\n".join(f"  {_line(licence)}" for licence in card.licences)
    remark = f"\n  {card.remark}" if card.remark else ""
    logger.warning(
        "%s comes with terms (shown once; %s beside the archives keeps them):\n%s%s", card.title, FILE, lines, remark
    )
    write_text_atomically(shown, text)


def _verified(archive: Archive, unpacked: Collection[str]) -> str:
    if archive.name in unpacked:
        return f"unpacked; {UNPACKED}"
    if archive.md5 is not None:
        return f"md5 {archive.md5}"
    return "its publisher states no checksum" if archive.content_problem is None else "verified by its content"


def _line(licence: Licence) -> str:
    url = f" (<{licence.url}>)" if licence.url else ""
    forbids = f": {licence.forbids}" if licence.forbids else ""
    return f"- {licence.covers}: {licence.name}{url}{forbids}"


def _document(title: str, *paragraphs: str) -> str:
    return "\n\n".join((f"# {title}", *filter(None, paragraphs))) + "\n"
