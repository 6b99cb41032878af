"""Parameters of pre-training."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Count, Positive, Section

Method = Literal["masked", "patch_shuffle", "contrastive"]
"""What a backbone learns: to restore masked patches, to find displaced ones, or to tell recordings apart."""
OF_PATCHES = frozenset({"masked", "patch_shuffle"})
"""Methods that cut spectrograms into patches."""


class PretrainingParams(Section):
    """How the selected model's backbone is pre-trained.

    `share`, `patch_bands` and `patch_frames` are for the methods of patches; `temperature` is for contrastive and for the
    discriminative term of masked, whose two terms the weights belong to.
    """

    method: Method
    epochs: Count
    windows_per_epoch: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    share: Annotated[float, Field(gt=0, lt=1)]
    patch_bands: Count
    patch_frames: Count
    temperature: Positive
    discriminative_weight: Annotated[float, Field(ge=0)]
    generative_weight: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _masks_serve_something(self) -> Self:
        if not (self.discriminative_weight or self.generative_weight):
            text = "discriminative_weight and generative_weight are both 0, so masked patches would teach nothing"
            raise PydanticCustomError("weights", "{text}", {"text": text})
        return self


def lacks_patches(method: Method, *, spectra: bool) -> str | None:
    """Say that a method needs a spectrogram and the front end makes none; None otherwise.

    Args:
        method: of pre-training.
        spectra: whether the front end makes spectra.
    """
    if spectra or method not in OF_PATCHES:
        return None
    return (
        f"pretraining.method {method} cuts spectrograms into patches, and the front end makes waveforms; set it to "
        "contrastive, or choose another `frontend` or `model`"
    )
