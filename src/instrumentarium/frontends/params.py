"""Parameters of front ends; names as in librosa and torchaudio."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Positive, Section

Level = Literal["absolute", "relative"]
"""Measured against full scale, or against the window's own mean power, so that loudness tells nothing."""
MOST_OVERLAP = 32
"""Frames of a spectrum that a sample may lie in; four are usual."""


class FixedNormalisation(Section):
    """Constants that a pretrained network was trained with: one mean and one standard deviation for all features."""

    mean: float
    std: Positive


NormalisationChoice = Literal["per_band", "none"] | FixedNormalisation
"""Statistics of the training clips for each channel and band, nothing, or constants."""


class LogMelParams(Section):
    """A log-mel spectrogram."""

    kind: Literal["logmel"]
    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    n_fft: Annotated[int, Field(ge=64, le=32768)]
    hop_length: Annotated[int, Field(ge=1, le=32768)]
    n_mels: Annotated[int, Field(ge=8, le=1024)]
    f_min_hz: Annotated[float, Field(ge=0)]
    f_max_hz: Positive
    level: Level
    normalisation: NormalisationChoice

    @model_validator(mode="after")
    def _frames_lie_apart(self) -> Self:
        if self.hop_length * MOST_OVERLAP < self.n_fft:
            text = (
                f"hop_length must be at least n_fft / {MOST_OVERLAP}, {self.n_fft / MOST_OVERLAP:g} here; with "
                f"{self.hop_length} a spectrum would take gigabytes"
            )
            raise PydanticCustomError("hop", "{text}", {"text": text})
        return self

    @model_validator(mode="after")
    def _bands_lie_below_nyquist(self) -> Self:
        if not self.f_min_hz < self.f_max_hz <= self.sample_rate_hz / 2:
            text = "f_min_hz < f_max_hz <= half the sample rate does not hold"
            raise PydanticCustomError("bands", "{text}", {"text": text})
        return self


class WaveformParams(Section):
    """The raw waveform."""

    kind: Literal["waveform"]
    sample_rate_hz: Annotated[int, Field(ge=4000, le=96000)]
    level: Level
    normalisation: Literal["none"] | FixedNormalisation


FrontEndParams = Annotated[LogMelParams | WaveformParams, Field(discriminator="kind")]
FRONTEND: TypeAdapter[LogMelParams | WaveformParams] = TypeAdapter(FrontEndParams)
