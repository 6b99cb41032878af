"""Collections: where their corpora come from, and which they hold."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.acquisition.soundfonts import SoundFontChoice
from instrumentarium.corpora.esc50.params import Esc50Params
from instrumentarium.corpora.irmas.params import IrmasParams
from instrumentarium.corpora.own.params import OwnParams
from instrumentarium.corpora.source.params import CHOICES, PUBLISHED, ClipCountParams, CollectionSource
from instrumentarium.runtime.section import Section


class CorporaParams(Section):
    """The corpora of a collection, each with its switch and, where it is rendered, its size."""

    irmas: IrmasParams
    openmic: ClipCountParams
    esc50: Esc50Params
    own: OwnParams


class CollectionParams(Section):
    """Where a collection comes from and which corpora it holds."""

    source: CollectionSource
    soundfonts: list[SoundFontChoice]  # none: the one that is shipped
    corpora: CorporaParams

    @model_validator(mode="after")
    def _rendered_has_sizes(self) -> Self:
        for name in PUBLISHED:
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
        if not (self.corpora.irmas.use or self.corpora.openmic.use or self.corpora.own.use):
            raise PydanticCustomError("no_music", "at least one of corpora.irmas, openmic and own must be used")
        return self
