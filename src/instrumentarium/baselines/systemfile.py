"""A system on disk: arrays as safetensors, all else as JSON beside them, its thresholds; loading runs no code from any.

`system.json` holds the sha256 of the arrays and of its own content; a system of other systems holds copies of them below
`members/`, and the sha256 of each one's description. All are checked on loading. So a copy of the folder is whole.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from instrumentarium.baselines.errors import MissingSystemError, SystemFileError
from instrumentarium.baselines.system import KINDS, Arrays, Kind, System
from instrumentarium.clips.params import WindowsParams
from instrumentarium.descriptors.table import DescriptorCard
from instrumentarium.runtime.files import atomic_path, write_json
from instrumentarium.runtime.sealed import DamagedFileError, read_json, read_seal, sealed, sha256_of, unseal
from instrumentarium.runtime.section import Section
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, TaxonomyError

FORMAT = 1
CARD, ARRAYS, MEMBERS, THRESHOLDS = "system.json", "arrays.safetensors", "members", "thresholds.json"
MODEL_CARD = "model.json"
ARRAYS_SEAL = "arrays_sha256"
RESTORE = "restore it with `dvc checkout --force`, or make it again with `dvc repro --force baseline ensemble`"

_INSTRUMENT: TypeAdapter[Instrument] = TypeAdapter(Instrument)


class SystemCard(Section):
    """system.json: what a system is, and everything that its arrays need to score a window."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    kind: Kind
    taxonomy_name: str
    labels: Annotated[
        tuple[Annotated[Instrument, BeforeValidator(_INSTRUMENT.validate_python)], ...],
        Field(min_length=1, strict=False),
    ]
    descriptors: DescriptorCard
    members: dict[str, str]  # name to the sha256 that its description says of itself
    seed: int
    versions: dict[str, str]

    @property
    def taxonomy(self) -> Taxonomy:
        """The instruments, in the order of the scores."""
        return Taxonomy(self.taxonomy_name, self.labels)

    @property
    def windows(self) -> WindowsParams:
        """How recordings are cut, and their windows' scores are pooled."""
        return self.descriptors.windows

    @property
    def sample_rate_hz(self) -> int:
        """Of the samples that are described."""
        return self.descriptors.sample_rate_hz


def save_system(folder: Path, card: SystemCard, arrays: Arrays) -> None:
    """Write system.json and arrays.safetensors into `folder`; the same content gives the same bytes."""
    data = save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})
    with atomic_path(folder / ARRAYS) as temporary:
        temporary.write_bytes(data)
    write_json(folder / CARD, sealed({**card.model_dump(mode="json"), ARRAYS_SEAL: sha256_of(data)}))


def load_system(folder: Path) -> tuple[System, SystemCard]:
    """Return the classical system of `folder` and its card.

    Raises:
        MissingSystemError: if a file is missing.
        SystemFileError: if one is damaged, or it is a system of other systems.
    """
    card, arrays = load_arrays(folder)
    if card.kind not in KINDS:
        raise SystemFileError(f"{folder} is made of other systems ({card.kind}); load it as an ensemble")
    try:
        return cast("System", KINDS[card.kind].restored(arrays)), card
    except KeyError as error:
        raise SystemFileError(f"{folder / ARRAYS} has no array {error}; {RESTORE}") from error


def load_arrays(folder: Path) -> tuple[SystemCard, dict[str, npt.NDArray[np.generic]]]:
    """Return the card of `folder` and its arrays, both checked.

    Raises:
        MissingSystemError: if a file is missing.
        SystemFileError: if one is damaged or of another format, or a number is not finite.
    """
    path = folder / CARD
    if not path.exists():
        raise MissingSystemError(f"{path} is missing; run `dvc repro baseline ensemble`, or `dvc pull`")
    try:
        content = read_json(path)
        rest, seal = unseal(content, path) if isinstance(content, Mapping) else ({}, None)
        if isinstance(found := rest.get("format"), int) and found != FORMAT:
            raise SystemFileError(f"{path} has format {found}, this version reads {FORMAT}; {RESTORE}")
        expected = rest.pop(ARRAYS_SEAL, None)
        if seal is None or not isinstance(expected, str):
            raise SystemFileError(f"{path} is no description of a system: it lacks its checksums; {RESTORE}")
        card = SystemCard.model_validate(rest)
        card.taxonomy  # noqa: B018 - checks that the labels differ
    except DamagedFileError as error:
        raise SystemFileError(f"{path} is no description of a system: {error.reason}; {RESTORE}") from error
    except (ValidationError, TaxonomyError) as error:
        raise SystemFileError(f"{path} is no description of a system: {error}; {RESTORE}") from error
    return card, _read_arrays(folder / ARRAYS, expected)


def _read_arrays(path: Path, expected: str) -> dict[str, npt.NDArray[np.generic]]:
    if not path.exists():
        raise MissingSystemError(f"{path} is missing; {RESTORE}")
    data = path.read_bytes()
    if (found := sha256_of(data)) != expected:
        raise SystemFileError(
            f"{path} does not hold the arrays that {CARD} describes: it is damaged or another system's (its sha256 is "
            f"{found[:12]}…, {CARD} says {expected[:12]}…); {RESTORE}"
        )
    try:
        arrays: dict[str, npt.NDArray[np.generic]] = load(data)
    except SafetensorError as error:
        raise SystemFileError(f"{path} holds no arrays: {error}; {RESTORE}") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise SystemFileError(f"{path} holds numbers that are not finite, in {name}; {RESTORE}")
    return arrays


def member_folder(folder: Path, card: SystemCard, name: str) -> Path:
    """Return the folder of a member of the system in `folder`, which must be the one that its card means.

    Raises:
        MissingSystemError: if it is missing.
        SystemFileError: if it is another, or damaged.
    """
    member = folder / MEMBERS / name
    described = member / (MODEL_CARD if (member / MODEL_CARD).exists() else CARD)
    if not described.exists():
        raise MissingSystemError(f"{described} is missing, of which the system {card.name} is made; {RESTORE}")
    try:
        found = read_seal(described)
    except DamagedFileError as error:
        raise SystemFileError(f"{described}: {error.reason}; {RESTORE}") from error
    if found != card.members[name]:
        raise SystemFileError(
            f"{member} is not the {name} that the system {card.name} was made of ({found[:12]}…, {CARD} says "
            f"{card.members[name][:12]}…); {RESTORE}"
        )
    return member
