"""Collections: where their corpora come from, and which they hold."""

from collections.abc import Sequence
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.acquisition.soundfonts import SoundFontChoice
from instrumentarium.corpora.esc50.params import Esc50Params
from instrumentarium.corpora.irmas.params import IrmasParams
from instrumentarium.corpora.medleydb.params import MedleyDbParams
from instrumentarium.corpora.nsynth.params import NsynthParams
from instrumentarium.corpora.own.params import OwnParams
from instrumentarium.corpora.slakh.params import SlakhParams
from instrumentarium.corpora.source.params import (
    CHOICES,
    RENDERED,
    ClipCountParams,
    CollectionSource,
    Corpus,
    CorpusParams,
)
from instrumentarium.runtime.section import Section


class CorporaParams(Section):
    """The corpora of a collection, each with its switch and, where it is rendered, its size.

    Beyond the first four, a corpus counts only where the parameter `corpora` names it.
    """

    irmas: IrmasParams
    openmic: ClipCountParams
    esc50: Esc50Params
    own: OwnParams
    nsynth: NsynthParams
    medley_solos: CorpusParams
    tinysol: CorpusParams
    good_sounds: CorpusParams
    philharmonia: CorpusParams
    musicnet: CorpusParams
    slakh: SlakhParams
    medleydb: MedleyDbParams


class CollectionParams(Section):
    """Where a collection comes from and which corpora it holds."""

    source: CollectionSource
    soundfonts: list[SoundFontChoice]  # none: the one that is shipped
    corpora: CorporaParams

    @model_validator(mode="after")
    def _rendered_has_sizes(self) -> Self:
        for name in RENDERED:
            corpus = getattr(self.corpora, name)
            sizes = {field: getattr(corpus, field) for field in type(corpus).model_fields if field not in CHOICES}
            wrong = [field for field, value in sizes.items() if (value is None) == (self.source == "rendered")]
            if wrong:
                say = "needs" if self.source == "rendered" else "must not have"
                text = f"corpora.{name} of a {self.source} collection {say} {', '.join(wrong)}"
                raise PydanticCustomError("sizes", "{text}", {"text": text})
        if self.soundfonts and self.source != "rendered":
            raise PydanticCustomError(
                "soundfonts", "soundfonts of a published collection must be []: nothing is rendered"
            )
        return self

    def without_music(self, named: Sequence[Corpus]) -> bool:
        """Say whether none of the corpora in use, of those that the parameter `corpora` names, has music."""
        return not any(getattr(self.corpora, corpus).use for corpus in named if corpus != "esc50")
