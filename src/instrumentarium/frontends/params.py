"""Parameters of front ends."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Count, Positive, Section


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
