"""A trained model on disk: weights as safetensors, all else as JSON beside them. Loading runs no code from either.

model.json holds the sha256 of the weights and of its own content, and both are checked whenever a model is loaded: one
flipped bit is enough for other instruments.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)
from safetensors import SafetensorError
from safetensors.torch import load, save

from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.normalisation import Normalisation
from instrumentarium.frontends.params import FrontEndParams
from instrumentarium.models.params import BackboneParams, HeadParams, SideInput
from instrumentarium.models.recognition import RecognitionModel, build_model
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path, write_json
from instrumentarium.runtime.sealed import SEAL, DamagedFileError, read_json, sealed, sha256_of, unseal
from instrumentarium.runtime.section import Section
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, TaxonomyError

FORMAT = 2
WEIGHTS_SEAL = "weights_sha256"
"""The key of model.json that holds the sha256 of model.safetensors."""
MOST_VALUES = 1 << 23
"""Samples, or values of a spectrum, that a window may have: 32 MB as float32; ten seconds at 32 kHz are 320,000."""
RESTORE = (
    "remove it and run `dvc checkout`, or where DVC's cache is damaged, too, `dvc pull` from a remote; or train "
    "again with `dvc repro --force train`"
)


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
SideInputValues = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


class ModelCard(Section):
    """model.json: everything needed to run the weights, and where they come from.

    `side_inputs` are the values of each that the model was trained with; without any it is not written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    format: Literal[2]
    taxonomy_name: str
    labels: Annotated[tuple[LabelCard, ...], Field(min_length=1, strict=False)]
    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    frontend: FrontEndParams
    normalisation: Normalisation
    backbone: BackboneParams
    head: HeadParams
    windows: WindowsParams
    side_inputs: dict[SideInput, Annotated[tuple[str, ...], Field(min_length=1, strict=False)]] = Field(
        default_factory=dict
    )
    recipe: dict[str, JsonValue]
    trained: TrainedOn
    versions: dict[str, str]

    @property
    def taxonomy(self) -> Taxonomy:
        """The instruments that the model recognises, in the order of its outputs."""
        return Taxonomy(self.taxonomy_name, self.labels)

    @model_serializer(mode="wrap")
    def _without_what_it_lacks(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave side inputs out where there are none."""
        content: dict[str, object] = handler(self)
        if not self.side_inputs:
            content.pop("side_inputs", None)
        return content


def save_model(folder: Path, weights: dict[str, torch.Tensor], card: ModelCard) -> None:
    """Write model.safetensors and model.json into `folder`."""
    data = save({name: tensor.contiguous() for name, tensor in sorted(weights.items())})
    with atomic_path(folder / "model.safetensors") as temporary:
        temporary.write_bytes(data)
    write_json(folder / "model.json", sealed({**card.model_dump(mode="json"), WEIGHTS_SEAL: sha256_of(data)}))


def load_card(folder: Path) -> ModelCard:
    """Read model.json.

    Raises:
        MissingModelError: if it is missing.
        ModelFileError: if it is damaged, or of another format.
    """
    return _read_card(folder)[0]


def load_model(folder: Path) -> tuple[RecognitionModel, ModelCard]:
    """Return the model of `folder`, in evaluation mode on the CPU, and its card.

    Raises:
        MissingModelError: if a file is missing.
        ModelFileError: if a file is damaged, they don't belong together, or a weight is not finite.
    """
    card, expected = _read_card(folder)
    path = folder / "model.safetensors"
    data = _read_weights(path, expected)
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
            side_inputs=card.side_inputs,
        )
    except ValueError as error:
        raise ModelFileError(f"{folder / 'model.json'} describes no model that can be built: {error}") from error
    _check_size(model, card, folder)
    try:
        model.load_state_dict(load(data))
    except (SafetensorError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not hold the weights that model.json describes: {error}") from error
    _check_numbers(model, folder)
    return model.eval(), card


def _read_card(folder: Path) -> tuple[ModelCard, str]:
    """Return what model.json holds, and the sha256 of the weights."""
    path = folder / "model.json"
    if not path.exists():
        raise _missing(path)
    try:
        content = read_json(path)
        found = content.get("format") if isinstance(content, Mapping) else None
        if isinstance(found, int) and found > FORMAT:
            raise ModelFileError(f"{path} has format {found}, this version reads {FORMAT}; upgrade instrumentarium")
        if isinstance(found, int) and found < FORMAT:
            raise ModelFileError(
                f"{path} has format {found}, of an earlier version; this one reads {FORMAT}. Train the model again with "
                "`dvc repro train`, or use it with the version that trained it (its `versions` says which)"
            )
        rest, seal = unseal(content, path) if isinstance(content, Mapping) else ({}, None)
        weights = rest.pop(WEIGHTS_SEAL, None)
        if seal is None or not isinstance(weights, str):
            raise ModelFileError(
                f"{path} is no model description: it lacks {SEAL if seal is None else WEIGHTS_SEAL}, which every model "
                "has since damage is noticed; train the model again with `dvc repro --force train`"
            )
        card = ModelCard.model_validate(rest)
        card.taxonomy  # noqa: B018 - checks that the labels differ
    except DamagedFileError as error:
        raise ModelFileError(f"{path} is no model description: {error.reason}; {RESTORE}") from error
    except (ValidationError, TaxonomyError) as error:
        raise ModelFileError(f"{path} is no model description: {error}") from error
    return card, weights


def check_files(folder: Path) -> None:
    """Check that the files of a model are what was saved.

    Raises:
        MissingModelError: if one is missing.
        ModelFileError: if one is damaged.
    """
    _read_weights(folder / "model.safetensors", _read_card(folder)[1])


def _read_weights(path: Path, expected: str) -> bytes:
    """Return the content of model.safetensors, whose sha256 model.json says is `expected`."""
    if not path.exists():
        raise _missing(path)
    data = path.read_bytes()
    if (found := sha256_of(data)) != expected:
        raise ModelFileError(
            f"{path} does not hold the weights that model.json describes: it is damaged or another model's (its sha256 is "
            f"{found[:12]}…, model.json says {expected[:12]}…); {RESTORE}"
        )
    return data


def _missing(path: Path) -> MissingModelError:
    return MissingModelError(f"{path} is missing; run `dvc repro train`, or `dvc pull` where the model was pushed")


def _check_size(model: RecognitionModel, card: ModelCard, folder: Path) -> None:
    """Refuse a model whose features of one window would take gigabytes for a batch.

    Raises:
        ModelFileError: saying how many values there would be.
    """
    axes = model.frontend.axes
    per_second = card.sample_rate_hz if axes is None else len(axes.band_centres_hz) / axes.frame_s
    values = round(card.windows.length_s * per_second * model.frontend.channels)
    if values > MOST_VALUES:
        raise ModelFileError(
            f"{folder / 'model.json'} describes no model that can be run: its front end makes {values:,} values of a "
            f"window of {card.windows.length_s:g} s (at most {MOST_VALUES:,})"
        )


def _check_numbers(model: RecognitionModel, folder: Path) -> None:
    """Refuse a model with NaN or infinity, which would make scores that mean nothing.

    Raises:
        ModelFileError: naming the tensor.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelFileError(
                f"{folder / 'model.safetensors'} holds numbers that are not finite, in {name}: the training diverged; "
                "train again with a lower learning rate"
            )
    mean, std = model.normalise.mean, model.normalise.std  # as float32, which holds less than JSON's numbers
    if not (mean.isfinite().all() and std.isfinite().all() and (std > 0).all()):
        raise ModelFileError(
            f"{folder / 'model.json'} describes no model that can be run: its normalisation has means that are not finite, "
            "or deviations that are not finite or too small"
        )
