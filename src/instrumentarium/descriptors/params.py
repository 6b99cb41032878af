"""Descriptors: the frames they are measured in."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Section


class DescriptorParams(Section):
    """Frames and bands of the descriptors, and how many windows of a training clip are described.

    Training windows are spread evenly over their clip; of validation and test clips every window is described, since every
    one is scored.
    """

    n_fft: Annotated[int, Field(ge=256, le=8192)]
    hop_length: Annotated[int, Field(ge=64, le=8192)]
    n_mels: Annotated[int, Field(ge=8, le=256)]
    n_mfcc: Annotated[int, Field(ge=1, le=128)]
    train_windows: Annotated[int, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def _frames_fit(self) -> Self:
        if self.hop_length > self.n_fft:
            text = f"hop_length ({self.hop_length}) exceeds n_fft ({self.n_fft}): samples would be in no frame"
            raise PydanticCustomError("gap", "{text}", {"text": text})
        if self.n_mfcc > self.n_mels:
            text = f"n_mfcc ({self.n_mfcc}) exceeds n_mels ({self.n_mels})"
            raise PydanticCustomError("coefficients", "{text}", {"text": text})
        return self
