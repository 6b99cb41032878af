"""What a model was trained on, or a collection holds: its corpora with their terms, as the run at hand recorded them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from instrumentarium.acquisition.soundfonts import SHIPPED, SOUNDFONTS, SoundFontChoice, SoundFontFile
from instrumentarium.corpora.source.card import Licence
from instrumentarium.corpora.source.params import RENDERED, SOURCE, CollectionSource
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.sealed import DamagedFileError, read_json
from instrumentarium.runtime.section import PARAMS_FILE, read_yaml, validate

TIMGM6MB = Licence(
    covers="the samples: the TimGM6mb SoundFont by Tim Brechbill",
    name="GPL 2",
    url="https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
)
"""All that is not made here of a rendered collection which names no SoundFonts of its own."""


class MaterialError(UserError, ValueError):
    """What the run at hand says of a collection is missing or damaged."""


@dataclass(frozen=True)
class CorpusFacts:
    """A corpus that is used: the content of its card.json (`instrumentarium.corpora.source.card`)."""

    corpus: str
    title: str
    page: str
    licences: tuple[Licence, ...]
    citation: str
    remark: str
    used: bool


_FACTS: TypeAdapter[CorpusFacts] = TypeAdapter(CorpusFacts)


@dataclass(frozen=True)
class Material:
    """A collection and the corpora that it uses."""

    collection: str
    source: CollectionSource
    corpora: tuple[CorpusFacts, ...]
    soundfonts: tuple[SoundFontChoice, ...] = ()

    @property
    def rendered(self) -> tuple[CorpusFacts, ...]:
        """Those of the corpora that were rendered here."""
        return tuple(each for each in self.corpora if self.source == "rendered" and each.corpus in RENDERED)

    @property
    def recorded(self) -> tuple[CorpusFacts, ...]:
        """All others: their publishers', or the user's own."""
        return tuple(each for each in self.corpora if each not in self.rendered)

    @property
    def title(self) -> str:
        """The corpora's names, and which are rendered."""
        names = " + ".join(each.title for each in self.rendered)
        return " + ".join([*([f"{names} (rendered)"] if names else []), *(each.title for each in self.recorded)])

    def terms(self) -> list[str]:
        """Return a line of Markdown for each licence of the audio that was used."""
        lines = []
        if self.rendered:
            layouts = ", ".join(each.title for each in self.rendered)
            lines += [
                f"- composed and rendered in the layouts of {layouts}, with none of their audio and none of their labels",
                *(f"- {_line(_licence(font))}" for font in self.soundfonts or (SHIPPED,)),
            ]
        for each in self.recorded:
            lines += [f"- {each.title}, {_line(licence)}" for licence in each.licences]
            lines += [f"- {each.title}: {each.remark}"] if each.remark else []
        return lines


def read_material(workspace: Path, collection: str) -> Material:
    """Return what a collection of the repository `workspace` is made of.

    Raises:
        MaterialError: if params.yaml has no such collection, or the ingest stage's cards are missing or damaged.
    """
    params = workspace / PARAMS_FILE
    collections = read_yaml(params).get("collections")
    if not isinstance(collections, Mapping) or collection not in collections:
        raise MaterialError(
            f"{params} has no collection {collection}: publish from the repository that trained the model"
        )
    source = validate(collections[collection]["source"], SOURCE, f"collections.{collection}.source", params)
    folder = workspace / "data" / "clips" / collection
    facts = [_read_facts(path) for path in sorted(folder.glob("*/card.json"))]
    used = tuple(each for each in facts if each.used)
    if not used:
        raise MaterialError(
            f"{folder} has no card.json of a corpus, which says under which terms it is; run `dvc repro ingest`, or "
            "`dvc pull` where the data were pushed"
        )
    fonts = validate(
        collections[collection].get("soundfonts", []), SOUNDFONTS, f"collections.{collection}.soundfonts", params
    )
    return Material(collection, source, used, tuple(fonts))


def _read_facts(path: Path) -> CorpusFacts:
    try:
        return _FACTS.validate_python(read_json(path))
    except (DamagedFileError, ValidationError) as error:
        raise MaterialError(f"{path} is no card of a corpus: {error}; run `dvc repro ingest`") from error


def _licence(font: SoundFontChoice) -> Licence:
    if isinstance(font, SoundFontFile):
        return Licence(
            covers=f"the samples: the SoundFont {font.name}, md5 {font.md5}",
            name="the licence that came with it",
            url="",
        )
    return TIMGM6MB


def _line(licence: Licence) -> str:
    name = f"[{licence.name}]({licence.url})" if licence.url else licence.name
    return f"{licence.covers}: {name}" + (f"; {licence.forbids}" if licence.forbids else "")
