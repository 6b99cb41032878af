"""Parameters of a corpus: whether it is used, and, where it is rendered, how large it is."""

import importlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from instrumentarium.runtime.section import Section

Corpus = Literal["irmas", "openmic", "esc50", "own"]
PUBLISHED: tuple[Corpus, ...] = ("irmas", "openmic", "esc50")
CORPORA: tuple[Corpus, ...] = (*PUBLISHED, "own")
CollectionSource = Literal["rendered", "published"]
SOURCE: TypeAdapter[CollectionSource] = TypeAdapter(CollectionSource)
CHOICES = frozenset({"use", "groups"})
"""Parameters of a corpus that say what is taken from its archives; all others are the archives' sizes."""


class CorpusParams(Section):
    """Whether a collection holds a corpus."""

    use: bool

    def choices(self) -> dict[str, object]:
        """Return what the corpus's parser needs to know: which of its clips are wanted."""
        return {}


class ClipCountParams(CorpusParams):
    """Size of a rendered OpenMIC or ESC-50, in clips. The published ones have no sizes."""

    clips: Annotated[int, Field(ge=10)] | None = None


def params_of(corpus: Corpus) -> type[CorpusParams]:
    """Return the kind of a corpus's parameters."""
    kind: type[CorpusParams] = importlib.import_module(f"instrumentarium.corpora.{corpus}.params").PARAMS
    return kind
