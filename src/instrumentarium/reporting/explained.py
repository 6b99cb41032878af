"""What the explain stage drew, for the report: maps of where the model looks, and pictures of the embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from instrumentarium.reporting.rows import MissingReportInputError, ReportInputError, read_list

CAPTIONS = {
    "pca": "The embeddings of validation and test clips on their first two principal components, by instrument, genre and "
    "corpus.",
    "tsne": "t-SNE of the same embeddings: neighbours are alike, sizes of groups and distances between them mean little.",
    "scree": "Variance that the principal components explain, each and together.",
}
METHODS = {"gradcam": "Grad-CAM", "attention": "attention", "gradients": "integrated gradients"}


@checked(config=ConfigDict(extra="forbid"), frozen=True)
class MapFacts:
    """What maps.json says of a map; `empty` where nothing in the window speaks for the instrument."""

    file: str
    clip_id: str
    instrument: str
    truth: Literal["plays", "silent", "unknown"]
    score: float
    method: Literal["gradcam", "attention", "gradients"]
    window_start_s: float
    window_score: float
    empty: bool


_LISTING: TypeAdapter[list[MapFacts]] = TypeAdapter(list[MapFacts])


@dataclass(frozen=True)
class Map:
    """A map and what is known of it."""

    facts: MapFacts
    png: bytes


@dataclass(frozen=True)
class Explained:
    """All that is shown: maps in the order of their listing, and name to picture of the embeddings."""

    maps: Sequence[Map]
    embeddings: Mapping[str, bytes]

    @property
    def methods(self) -> list[str]:
        """What the methods of the maps are called."""
        return sorted({METHODS[each.facts.method] for each in self.maps})


def read_explained(folder: Path) -> Explained:
    """Read the pictures in plots/explain.

    Raises:
        MissingReportInputError: if the explain stage has not made them.
        ReportInputError: if maps.json is not its listing.
    """
    listing = folder / "maps" / "maps.json"
    try:
        facts = _LISTING.validate_python(read_list(listing, "explain"))
    except ValidationError as error:
        raise ReportInputError(f"{listing} is no list of maps: {error}; run `dvc repro -f explain`") from error
    return Explained(
        [Map(each, _picture(folder / "maps" / each.file)) for each in facts],
        {name: _picture(folder / "embeddings" / f"{name}.png") for name in CAPTIONS},
    )


def _picture(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingReportInputError(f"{path} is missing; run `dvc repro explain`") from error
