"""Collections and their corpora, the sample store, and what their label files mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, field_validator, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.params.section import Section, Share

Corpus = Literal["irmas", "openmic", "esc50", "own"]
PUBLISHED: tuple[Corpus, ...] = ("irmas", "openmic", "esc50")
CORPORA: tuple[Corpus, ...] = (*PUBLISHED, "own")
OwnForm = Literal["auto", "table", "folders", "texts"]
Absent = Literal["negative", "unobserved"]
Contradictory = Literal["union", "unknown", "drop"]
CONTRADICTORY: TypeAdapter[Contradictory] = TypeAdapter(Contradictory)


CHOICES = frozenset({"use", "groups"})
"""Parameters of a corpus that say what is taken from its archives; all others are the archives' sizes."""


class CorpusParams(Section):
    """Whether a collection holds a corpus."""

    use: bool


class IrmasParams(CorpusParams):
    """Size of a rendered IRMAS: recordings an instrument, test songs. The published one has no sizes."""

    train_recordings: Annotated[int, Field(ge=2)] | None = None
    test_songs: Annotated[int, Field(ge=4)] | None = None


class ClipCountParams(CorpusParams):
    """Size of a rendered OpenMIC or ESC-50, in clips. The published ones have no sizes."""

    clips: Annotated[int, Field(ge=10)] | None = None


class Esc50Groups(Section):
    """Which groups of ESC-50's categories are used as negatives (see negatives.py)."""

    human: bool
    tonal: bool
    other: bool


class Esc50Params(ClipCountParams):
    """Size of a rendered ESC-50, and the groups of categories that are used."""

    groups: Esc50Groups


class OwnParams(CorpusParams):
    """The user's own data: where they lie, and how their labels are read. They are used as they are in any collection."""

    path: str
    form: OwnForm
    absent: Absent

    @model_validator(mode="after")
    def _used_means_somewhere(self) -> Self:
        if self.use and not self.path:
            raise PydanticCustomError("no_path", "path must say where your own data lie, since use is true")
        return self


PARAMS_OF: Mapping[Corpus, type[CorpusParams]] = {
    "irmas": IrmasParams,
    "openmic": ClipCountParams,
    "esc50": Esc50Params,
    "own": OwnParams,
}


class CorporaParams(Section):
    """The corpora of a collection, each with its switch and, where it is rendered, its size."""

    irmas: IrmasParams
    openmic: ClipCountParams
    esc50: Esc50Params
    own: OwnParams


class CollectionParams(Section):
    """Where a collection comes from and which corpora it holds."""

    source: Literal["rendered", "published"]
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
        if not (self.corpora.irmas.use or self.corpora.openmic.use or self.corpora.own.use):
            raise PydanticCustomError("no_music", "at least one of corpora.irmas, openmic and own must be used")
        return self


class DownloadParams(Section):
    """Where archives lie that the user already has: an absolute path, `~` for the home folder, or None."""

    archives: str | None

    @field_validator("archives")
    @classmethod
    def _the_path_is_the_same_everywhere(cls, value: str | None) -> str | None:
        # a queued experiment runs in a folder of its own, from where a relative path leads elsewhere
        if value is not None and not (Path(value).is_absolute() or value.startswith("~/")):
            raise PydanticCustomError("relative", "must be an absolute path, or begin with ~/, or be null")
        return value

    @property
    def folder(self) -> Path | None:
        """The folder as a path."""
        return None if self.archives is None else Path(self.archives).expanduser()


class AudioParams(Section):
    """The sample store: one rate for all clips, in Hz."""

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]


class LabelsParams(Section):
    """How silence in the label files is read, and what becomes of labels on which clips that sound alike disagree."""

    irmas_train_absent: Absent
    contradictory: Contradictory


class SplitShares(Section):
    """How recordings are shared out: the share of their clips that each split gets; together 1."""

    train: Share
    validation: Share
    test: Share

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            text = f"train, validation and test must sum to 1, their sum is {total:g}"
            raise PydanticCustomError("shares", "{text}", {"text": text})
        return self


class SplitParams(Section):
    """How recordings are shared out; ESC-50 goes by its official folds, of which fold 5 is for testing only."""

    irmas_test_songs: SplitShares
    openmic_validation_share: Annotated[float, Field(ge=0, lt=1)]
    esc50_validation_fold: Annotated[int, Field(ge=1, le=4)]
    own: SplitShares
    frozen: Annotated[str, Field(min_length=1)] | None
