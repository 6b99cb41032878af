"""Taxonomies: which instruments are recognised, in the order every table, array and model output keeps.

The taxonomy of a run lies in data/taxonomy.json; a model carries its own in model.json. Nothing else knows instruments:
whoever needs their codes, names, families or number takes a `Taxonomy`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.jsonfile import parse_json


class TaxonomyError(UserError, ValueError):
    """A taxonomy that cannot be used; the message says why."""


@dataclass(frozen=True)
class Instrument:
    """One class: its code in files and columns, its name for people, its family."""

    code: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9_]+$")]
    name: Annotated[str, Field(min_length=1)]
    family: str = ""


@dataclass(frozen=True)
class Taxonomy:
    """An ordered set of instruments.

    Attributes:
        name: of the taxonomy, such as irmas11.
        instruments: in the order of every array's columns.
        covered: for each corpus, the codes of the instruments that its labels can say anything of.
    """

    name: str
    instruments: tuple[Instrument, ...]
    covered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there are instruments, and that their codes differ.

        Raises:
            TaxonomyError: if not.
        """
        if not self.instruments:
            raise TaxonomyError(f"taxonomy {self.name!r} has no instrument")
        repeated = sorted({code for code in self.codes if self.codes.count(code) > 1})
        if repeated:
            raise TaxonomyError(f"taxonomy {self.name!r} has instruments of the same code: {', '.join(repeated)}")

    def __len__(self) -> int:
        """Return the number of instruments."""
        return len(self.instruments)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The instruments' codes, in order."""
        return tuple(instrument.code for instrument in self.instruments)

    @cached_property
    def names(self) -> dict[str, str]:
        """Code to name."""
        return {instrument.code: instrument.name for instrument in self.instruments}

    def named(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of a plot with the instruments' names in place of their codes; all else stays.

        Codes stand in the columns `instrument` and `with`, or, in rows without those, in `actual` and `predicted`.
        """
        result = []
        for row in rows:
            columns = ("instrument", "with") if "instrument" in row else ("actual", "predicted")
            result.append(
                {key: self.names.get(value, value) if key in columns else value for key, value in row.items()}
            )
        return result

    def covered_by(self, corpus: str) -> tuple[str, ...]:
        """Return the codes that a corpus's labels can say anything of; all where nothing is known of the corpus."""
        return tuple(self.covered.get(corpus, self.codes))


_ADAPTER: TypeAdapter[Taxonomy] = TypeAdapter(Taxonomy)


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy as `write_taxonomy` writes it.

    Raises:
        TaxonomyError: if the file is missing or holds something else.
    """
    try:
        return _ADAPTER.validate_python(parse_json(path.read_bytes()))
    except FileNotFoundError as error:
        raise TaxonomyError(f"{path} is missing; run `dvc repro duplicates`") from error
    except (ValidationError, ValueError) as error:
        raise TaxonomyError(f"{path} is no taxonomy: {error}; run `dvc repro duplicates`") from error


def write_taxonomy(path: Path, taxonomy: Taxonomy) -> None:
    """Write a taxonomy as JSON."""
    write_json(path, _ADAPTER.dump_python(taxonomy, mode="json"))


def taxonomy_of(codes: Sequence[str], names: Mapping[str, str] | None = None, name: str = "") -> Taxonomy:
    """Return a taxonomy of the given codes, each named by its code where `names` has no better."""
    return Taxonomy(name, tuple(Instrument(code, (names or {}).get(code, code)) for code in codes))
