"""A trained model on disk: weights as safetensors, all else as JSON beside them. Loading runs no code from either."""

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.normalisation import Normalisation
from instrumentarium.frontends.params import FrontEndParams
from instrumentarium.models.params import BackboneParams, HeadParams
from instrumentarium.models.recognition import RecognitionModel, build_model
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path, write_json
from instrumentarium.runtime.jsonfile import JsonError, parse_json
from instrumentarium.runtime.section import Section
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, TaxonomyError

FORMAT = 2


class ModelFileError(UserError, ValueError):
    """A model folder that cannot be loaded; the message says why."""


class MissingModelError(UserError, FileNotFoundError):
    """No model has been trained, or pulled, here."""


class TrainedOn(Section):
    """Where the weights come from."""

    collection: str
    model: str
    seed: int
    epochs: int
    best_epoch: int
    validation_map_macro: float


_INSTRUMENT: TypeAdapter[Instrument] = TypeAdapter(Instrument)
LabelCard = Annotated[Instrument, BeforeValidator(_INSTRUMENT.validate_python)]
"""An instrument as JSON writes it: code, name and family."""


class ModelCard(Section):
    """model.json: everything needed to run the weights, and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    format: Literal[2]
    taxonomy_name: str
    labels: Annotated[tuple[LabelCard, ...], Field(min_length=1, strict=False)]
    sample_rate_hz: int
    frontend: FrontEndParams
    normalisation: Normalisation
    backbone: BackboneParams
    head: HeadParams
    windows: WindowsParams
    recipe: dict[str, JsonValue]
    trained: TrainedOn
    versions: dict[str, str]

    @property
    def taxonomy(self) -> Taxonomy:
        """The instruments that the model tells apart, in the order of its outputs."""
        return Taxonomy(self.taxonomy_name, self.labels)


def save_model(folder: Path, weights: dict[str, torch.Tensor], card: ModelCard) -> None:
    """Write model.safetensors and model.json into `folder`."""
    with atomic_path(folder / "model.safetensors") as temporary:
        temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in sorted(weights.items())}))
    write_json(folder / "model.json", card.model_dump(mode="json"))


def load_card(folder: Path) -> ModelCard:
    """Read model.json.

    Raises:
        MissingModelError: if it is missing.
        ModelFileError: if it is damaged, or of another format.
    """
    path = folder / "model.json"
    if not path.exists():
        raise MissingModelError(f"{path} is missing; run `dvc repro train`, or `dvc pull` where the model was pushed")
    try:
        content = parse_json(path.read_bytes())
        found = content.get("format") if isinstance(content, dict) else None
        if isinstance(found, int) and found > FORMAT:
            raise ModelFileError(f"{path} has format {found}, this version reads {FORMAT}; upgrade instrumentarium")
        if isinstance(found, int) and found < FORMAT:
            raise ModelFileError(
                f"{path} has format {found}, of an earlier version; this one reads {FORMAT}. Train the model again with "
                "`dvc repro train`, or use it with the version that trained it (its `versions` says which)"
            )
        card = ModelCard.model_validate(content)
        card.taxonomy  # noqa: B018 - checks that the labels differ
    except (JsonError, ValidationError, TaxonomyError) as error:
        raise ModelFileError(f"{path} is no model description: {error}") from error
    return card


def load_model(folder: Path) -> tuple[RecognitionModel, ModelCard]:
    """Return the model of `folder`, in evaluation mode on the CPU, and its card.

    Raises:
        MissingModelError: if a file is missing.
        ModelFileError: if the files are damaged or don't belong together.
    """
    card = load_card(folder)
    path = folder / "model.safetensors"
    if not path.exists():
        raise MissingModelError(f"{path} is missing; run `dvc repro train`, or `dvc pull` where the model was pushed")
    try:
        model = build_model(
            card.frontend,
            card.backbone,
            card.head,
            instruments=len(card.labels),
            sample_rate_hz=card.sample_rate_hz,
            window_samples=round(card.windows.length_s * card.sample_rate_hz),
            normalisation=card.normalisation,
            pitch_shift_semitones=card.windows.pitch_shift_semitones,
        )
    except ValueError as error:
        raise ModelFileError(f"{folder / 'model.json'} describes no model that can be built: {error}") from error
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not hold the weights that model.json describes: {error}") from error
    return model.eval(), card
