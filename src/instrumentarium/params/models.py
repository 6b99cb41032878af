"""Models: the network, the front end it hears through, the recipe it is trained by."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.params.section import Count, Positive, Section


class LogMelParams(Section):
    """A log-mel spectrogram; names as in librosa and torchaudio.

    A relative level is measured from the window's own mean power, so that loudness tells nothing.
    """

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    n_fft: Annotated[int, Field(ge=64)]
    hop_length: Count
    n_mels: Annotated[int, Field(ge=8)]
    f_min_hz: Annotated[float, Field(ge=0)]
    f_max_hz: Positive
    level: Literal["absolute", "relative"]

    @model_validator(mode="after")
    def _bands_lie_below_nyquist(self) -> Self:
        if not self.f_min_hz < self.f_max_hz <= self.sample_rate_hz / 2:
            text = "f_min_hz < f_max_hz <= half the sample rate does not hold"
            raise PydanticCustomError("bands", "{text}", {"text": text})
        return self


class CnnParams(Section):
    """A plain convolutional network: the channels of its stem, then those of each block of two convolutions."""

    kind: Literal["cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=8, strict=False)]
    dropout: Annotated[float, Field(ge=0, lt=1)]


class TimmParams(Section):
    """An image network of timm, by its name there."""

    kind: Literal["timm"]
    architecture: str
    dropout: Annotated[float, Field(ge=0, lt=1)]


NetworkParams = Annotated[CnnParams | TimmParams, Field(discriminator="kind")]
NETWORK: TypeAdapter[CnnParams | TimmParams] = TypeAdapter(NetworkParams)


class RecipeParams(Section):
    """How one model is trained on one collection."""

    epochs: Count
    windows_per_epoch: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    patience: Count
    precision: Literal["auto", "32-true", "bf16-mixed"]
    pretrained: bool


class ModelParams(Section):
    """One model: its network, and per collection the front end it hears through and the recipe it is trained by."""

    network: NetworkParams
    frontends: dict[str, LogMelParams]
    recipes: dict[str, RecipeParams]
