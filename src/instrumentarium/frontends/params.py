"""Parameters of front ends; names as in librosa and torchaudio."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Count, Positive, Section

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


def check_band(f_min_hz: float, f_max_hz: float, sample_rate_hz: int) -> None:
    """Make sure that a range of frequencies is one, and exists at a sample rate."""
    if not f_min_hz < f_max_hz <= sample_rate_hz / 2:
        text = "f_min_hz < f_max_hz <= half the sample rate does not hold"
        raise PydanticCustomError("bands", "{text}", {"text": text})


class FrontEndSection(Section):
    """Parameters of any front end."""

    kind: str

    @property
    def makes_spectra(self) -> bool:
        """Whether its features are (batch, channels, rows, frames), made of a power spectrum that can be changed before."""
        return True


class MelParams(FrontEndSection):
    """The mel spectrogram that a front end's features are made of."""

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
        check_band(self.f_min_hz, self.f_max_hz, self.sample_rate_hz)
        return self


class LogMelParams(MelParams):
    """A log-mel spectrogram."""

    kind: Literal["logmel"]


class MfccParams(MelParams):
    """Mel-frequency cepstral coefficients."""

    kind: Literal["mfcc"]
    n_mfcc: Annotated[int, Field(ge=4)]

    @model_validator(mode="after")
    def _no_more_coefficients_than_bands(self) -> Self:
        if self.n_mfcc > self.n_mels:
            text = f"n_mfcc is {self.n_mfcc}, and n_mels {self.n_mels}; there are no more coefficients than bands"
            raise PydanticCustomError("coefficients", "{text}", {"text": text})
        return self


MultiChannel = Literal["logmel", "harmonic", "percussive", "delta", "chroma"]


class MultiParams(MelParams):
    """Up to three features of one mel spectrogram, each in a channel of its own."""

    kind: Literal["multi"]
    channels: Annotated[tuple[MultiChannel, ...], Field(min_length=1, max_length=3, strict=False)]
    hpss_frames: Annotated[int, Field(ge=3, le=63)]
    hpss_bands: Annotated[int, Field(ge=3, le=63)]

    @model_validator(mode="after")
    def _channels_differ_and_medians_have_a_middle(self) -> Self:
        text = ""
        if len(set(self.channels)) < len(self.channels):
            text = f"channels names one twice: {', '.join(self.channels)}"
        if not self.hpss_frames % 2 or not self.hpss_bands % 2:
            text = f"hpss_frames and hpss_bands must be odd, found {self.hpss_frames} and {self.hpss_bands}"
        if text:
            raise PydanticCustomError("channels", "{text}", {"text": text})
        return self


class FbankParams(FrontEndSection):
    """Kaldi's filter bank, without dither; its level is absolute."""

    kind: Literal["fbank"]
    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    win_length: Annotated[int, Field(ge=64)]
    hop_length: Count
    window: Literal["hanning", "povey"]
    n_mels: Annotated[int, Field(ge=8)]
    f_min_hz: Annotated[float, Field(ge=0)]
    f_max_hz: Positive
    full_scale: Positive
    normalisation: NormalisationChoice

    @model_validator(mode="after")
    def _bands_lie_below_nyquist(self) -> Self:
        check_band(self.f_min_hz, self.f_max_hz, self.sample_rate_hz)
        return self


class CpjkuParams(FrontEndSection):
    """The log-mel spectrogram of PaSST and EfficientAT; its level is absolute."""

    kind: Literal["cpjku"]
    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    n_fft: Annotated[int, Field(ge=64, le=32768)]
    win_length: Annotated[int, Field(ge=64)]
    hop_length: Annotated[int, Field(ge=1, le=32768)]
    n_mels: Annotated[int, Field(ge=8, le=1024)]
    f_min_hz: Annotated[float, Field(ge=0)]
    f_max_hz: Positive
    normalisation: NormalisationChoice

    @model_validator(mode="after")
    def _window_fits_and_bands_lie_below_nyquist(self) -> Self:
        text = ""
        if self.win_length > self.n_fft:
            text = f"win_length is {self.win_length}, more than n_fft, {self.n_fft}"
        elif self.n_fft & (self.n_fft - 1):
            text = f"n_fft is {self.n_fft}; Kaldi's bands are for a power of two"
        elif self.hop_length * MOST_OVERLAP < self.n_fft:
            text = f"hop_length must be at least n_fft / {MOST_OVERLAP}, {self.n_fft / MOST_OVERLAP:g} here"
        if text:
            raise PydanticCustomError("window", "{text}", {"text": text})
        check_band(self.f_min_hz, self.f_max_hz, self.sample_rate_hz)
        return self


class FilterBankParams(FrontEndSection):
    """A bank of band-pass filters, whose power is averaged over `oversampling` places a frame."""

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
    hop_length: Count
    oversampling: Annotated[int, Field(ge=1, le=64)]
    level: Level
    normalisation: NormalisationChoice

    @model_validator(mode="after")
    def _places_lie_on_samples(self) -> Self:
        if self.hop_length % self.oversampling:
            text = f"hop_length is {self.hop_length}, which oversampling, {self.oversampling}, does not divide"
            raise PydanticCustomError("places", "{text}", {"text": text})
        return self


class CqtParams(FilterBankParams):
    """A constant-Q transform."""

    kind: Literal["cqt"]
    f_min_hz: Positive
    n_bins: Annotated[int, Field(ge=8)]
    bins_per_octave: Annotated[int, Field(ge=4, le=96)]

    @model_validator(mode="after")
    def _bins_lie_below_nyquist(self) -> Self:
        highest_hz = self.f_min_hz * 2 ** ((self.n_bins - 1) / self.bins_per_octave)
        if highest_hz > self.sample_rate_hz / 2:
            text = f"the highest bin lies at {highest_hz:.0f} Hz, above half the sample rate; take fewer `n_bins`"
            raise PydanticCustomError("bins", "{text}", {"text": text})
        return self


class ScalogramParams(FilterBankParams):
    """A wavelet scalogram; the wavelet is PyWavelets' cmor<wavelet_bandwidth>-<wavelet_centre>."""

    kind: Literal["scalogram"]
    f_min_hz: Positive
    f_max_hz: Positive
    n_bands: Annotated[int, Field(ge=8)]
    wavelet_bandwidth: Positive
    wavelet_centre: Positive

    @model_validator(mode="after")
    def _bands_lie_below_nyquist(self) -> Self:
        check_band(self.f_min_hz, self.f_max_hz, self.sample_rate_hz)
        return self


class WaveformParams(FrontEndSection):
    """The raw waveform."""

    kind: Literal["waveform"]
    sample_rate_hz: Annotated[int, Field(ge=4000, le=96000)]
    level: Level
    normalisation: Literal["none"] | FixedNormalisation

    @property
    def makes_spectra(self) -> bool:
        """Not this one: its features are (batch, samples)."""
        return False


AnyFrontEndParams = (
    LogMelParams | MfccParams | MultiParams | FbankParams | CpjkuParams | CqtParams | ScalogramParams | WaveformParams
)
FrontEndParams = Annotated[AnyFrontEndParams, Field(discriminator="kind")]
FRONTEND: TypeAdapter[AnyFrontEndParams] = TypeAdapter(FrontEndParams)
