"""Parameters of a corpus: whether it is used, and, where it is rendered, how large it is."""

import importlib
from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeVar, get_args

from pydantic import Field, TypeAdapter

from instrumentarium.runtime.section import Section

Corpus = Literal[
    "irmas", "openmic", "esc50", "own",
    "nsynth", "medley_solos", "tinysol", "good_sounds", "philharmonia", "musicnet", "slakh", "medleydb",
]  # fmt: skip
CORPORA: tuple[Corpus, ...] = get_args(Corpus)
RENDERED: tuple[Corpus, ...] = ("irmas", "openmic", "esc50")
"""Those that a rendered collection renders; any other comes from its publisher in every collection."""
DEFAULT: tuple[Corpus, ...] = (*RENDERED, "own")
"""Those that every run has stages for; any other is added by the parameter `corpora`."""
CollectionSource = Literal["rendered", "published"]
SOURCE: TypeAdapter[CollectionSource] = TypeAdapter(CollectionSource)
CHOICES = frozenset({"use", "groups", "parts"})
"""Parameters of a corpus that say what is taken from its archives; all others are the archives' sizes."""


def comes_rendered(corpus: Corpus, source: CollectionSource) -> bool:
    """Say whether a collection of that source renders a corpus; else it is the publisher's, or the user's own."""
    return source == "rendered" and corpus in RENDERED


class CorpusParams(Section):
    """Whether a collection holds a corpus."""

    use: bool

    def choices(self) -> dict[str, object]:
        """Return what the corpus's parser needs to know: which of its clips are wanted."""
        return {}

    def wanted_parts(self) -> Sequence[str] | None:
        """Return the parts of the corpus that are wanted, by which archives may be left out; None for all."""
        return None


Part = TypeVar("Part", bound=str)


class PartsParams(CorpusParams, Generic[Part]):
    """A corpus of several archives, of which some can be left out."""

    parts: Annotated[list[Part], Field(min_length=1)]

    def choices(self) -> dict[str, object]:
        """Return which parts are wanted."""
        return {"parts": tuple(self.parts)}

    def wanted_parts(self) -> Sequence[str] | None:
        """Return which parts are wanted."""
        return tuple(self.parts)


class ClipCountParams(CorpusParams):
    """Size of a rendered OpenMIC or ESC-50, in clips. The published ones have no sizes."""

    clips: Annotated[int, Field(ge=10)] | None = None


def params_of(corpus: Corpus) -> type[CorpusParams]:
    """Return the kind of a corpus's parameters."""
    kind: type[CorpusParams] = importlib.import_module(f"instrumentarium.corpora.{corpus}.params").PARAMS
    return kind
