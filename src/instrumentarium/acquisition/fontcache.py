"""SoundFonts where they lie, verified; what is a URL is fetched into the user's archive cache."""

from collections.abc import Sequence
from pathlib import Path

from instrumentarium.acquisition.archivecache import download, kept_at
from instrumentarium.acquisition.soundfonts import SoundFontChoice, SoundFontFile
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.card import Archive


def provide_soundfonts(choices: Sequence[SoundFontChoice], corpus: str) -> tuple[Path | None, ...]:
    """Return where each SoundFont lies, in the order of `choices`; None stands for the one that is shipped.

    What is a URL is fetched into the user's archive cache, unless it lies there.

    Raises:
        ArchiveError: if one cannot be read or fetched, or is not the one whose md5 is stated.
    """
    return tuple(_provided(choice, corpus) if isinstance(choice, SoundFontFile) else None for choice in choices) or (
        None,
    )


def _provided(font: SoundFontFile, corpus: str) -> Path:
    problem = font.problem()
    if problem is not None:
        raise ArchiveError(f"soundfonts: {problem}")
    if font.path is not None:
        return font.path
    archive = Archive(font.name, font.at, font.md5)
    kept = kept_at(archive, corpus)
    download(archive, kept, corpus, instead="name a file of yours in the collection's soundfonts in params.yaml")
    return kept
