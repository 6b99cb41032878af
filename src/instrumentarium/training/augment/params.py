"""Parameters of the augmentations. An entry of `augmentations` names those that it uses; one that it leaves out is off."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Count, Positive, Section, Share

SnrDb = Annotated[float, Field(ge=-10, le=40)]
Partners = Literal["random", "genre", "key", "tempo"]
"""Which recordings a clip may be put together with: any, or those of its genre, its key or its tempo."""
MixedLabels = Literal["union", "soft_union", "mix"]


class GainParams(Section):
    """Another level: up to so many dB up or down."""

    db: Annotated[float, Field(ge=0, le=60)]


class NoiseParams(Section):
    """White noise, from `snr_db` to 40 dB below the waveform."""

    probability: Share
    snr_db: SnrDb


class EqualiserParams(Section):
    """A smooth curve over the bands, each up to so many dB up or down."""

    probability: Share
    db: Annotated[float, Field(ge=0, le=40)]


class BandLimitParams(Section):
    """Nothing above an edge, which is `lowest_hz` or higher."""

    probability: Share
    lowest_hz: Annotated[float, Field(ge=500)]


class WarpParams(Section):
    """Pitch and formants together, on the spectrum: up to so many semitones up or down."""

    probability: Share
    semitones: Annotated[float, Field(ge=0, le=12)]


class ReverberationParams(Section):
    """A tail of each band's power: seconds for a fall of 60 dB, and its energy against the direct sound's."""

    probability: Share
    longest_s: Annotated[float, Field(ge=0.2, le=20)]
    strongest_db: Annotated[float, Field(ge=-40, le=20)]


class MixParams(Section):
    """Summing with another clip of the batch, up to so many dB louder or softer; labels are united."""

    probability: Share
    level_db: Annotated[float, Field(ge=0, le=40)]


class MaskParams(Section):
    """One stretch of frames or bands without features, up to this share of all."""

    share: Share


class TimeShiftParams(Section):
    """The window moved in time, up to this share of it; what leaves at one end comes in at the other."""

    probability: Share
    share: Share


class PolarityParams(Section):
    """The waveform upside down."""

    probability: Share


class ColouredNoiseParams(Section):
    """Noise whose spectrum rises or falls by up to `slope_db` an octave, from `snr_db` to 40 dB below the waveform."""

    probability: Share
    snr_db: SnrDb
    slope_db: Annotated[float, Field(ge=0, le=12)]


class BackgroundParams(Section):
    """A clip without any instrument behind the waveform, at `snr_db` to 40 dB below it."""

    probability: Share
    snr_db: SnrDb


class PitchShiftParams(Section):
    """Pitch up or down by up to so many semitones, tempo kept, on the waveform."""

    probability: Share
    semitones: Annotated[float, Field(gt=0, le=12)]


class TimeStretchParams(Section):
    """Tempo faster or slower by a factor up to this, pitch kept; what is left of a faster window is silent."""

    probability: Share
    factor: Annotated[float, Field(gt=1, le=2)]


class FilterParams(Section):
    """A low-pass, high-pass or band-pass filter of second order, each as often; edges between these, even in octaves."""

    probability: Share
    lowest_hz: Annotated[float, Field(ge=20)]
    highest_hz: Positive

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        if self.lowest_hz >= self.highest_hz:
            text = f"lowest_hz must lie below highest_hz, found {self.lowest_hz:g} and {self.highest_hz:g}"
            raise PydanticCustomError("sizes", "{text}", {"text": text})
        return self


class ClippingParams(Section):
    """Overload: up to this share of the samples, the loudest, are cut off at one level."""

    probability: Share
    share: Annotated[float, Field(gt=0, le=0.5)]


class ImpulseResponseParams(Section):
    """A room by its impulse response: a measured one of the WAV and FLAC files in `folder`, or a made one.

    A made one, where `folder` is null, is noise that dies away exponentially, within 0.2 s to `longest_s` by 60 dB, and
    has up to `strongest_db` of the direct sound's energy.
    """

    probability: Share
    folder: str | None
    longest_s: Annotated[float, Field(ge=0.2, le=20)]
    strongest_db: Annotated[float, Field(ge=-40, le=20)]

    @field_validator("folder")
    @classmethod
    def _folder_is_named(cls, folder: str | None) -> str | None:
        if folder is not None and not folder.strip():
            raise PydanticCustomError("folder", "must name a folder of impulse responses, or be null")
        return folder

    @property
    def measured(self) -> Path | None:
        """Return the folder of measured responses, or None where they are made."""
        return None if self.folder is None else Path(self.folder).expanduser()


class CodecParams(Section):
    """A poor line: low-pass at `lowest_hz` or higher, then mu-law samples of `fewest_bits` to 8 bits."""

    probability: Share
    lowest_hz: Annotated[float, Field(ge=500)]
    fewest_bits: Annotated[int, Field(ge=3, le=8)]


class ErasingParams(Section):
    """Up to so many rectangles without features, each up to this share of the whole spectrogram."""

    probability: Share
    rectangles: Count
    area: Annotated[float, Field(gt=0, le=0.5)]


class PatchShuffleParams(Section):
    """The points of every patch of so many bands and frames in another order."""

    probability: Share
    bands: Count
    frames: Count

    @model_validator(mode="after")
    def _patches_have_points(self) -> Self:
        if self.bands * self.frames < 2:
            raise PydanticCustomError("patch", "a patch of one band and one frame has nothing to shuffle")
        return self


class MixupParams(Section):
    """Features mixed with those of another clip of the batch, by a share drawn from Beta(alpha, alpha).

    Labels: `union` unites them whatever the share; `mix` weights them by the shares; `soft_union` is between the two: an
    instrument of a clip with at least half of the sound is present, and with less it is present by twice the share.
    """

    probability: Share
    alpha: Positive
    labels: MixedLabels


class CompositionParams(Section):
    """Clips of distinct recordings put together: from 2 to `clips` of them, with at most `instruments` in all."""

    probability: Share
    clips: Annotated[int, Field(ge=2, le=5)]
    instruments: Annotated[int, Field(ge=1, le=20)]
    level_db: Annotated[float, Field(ge=0, le=40)]
    partners: Partners


class AugmentParams(Section):
    """The augmentations of a training; each is drawn anew for every training window, and None is off."""

    # None here is no value of params.yaml in a second place: it is what leaving an augmentation out means
    sum: CompositionParams | None = None
    concatenate: CompositionParams | None = None
    background: BackgroundParams | None = None
    pitch_shift: PitchShiftParams | None = None
    time_stretch: TimeStretchParams | None = None
    time_shift: TimeShiftParams | None = None
    polarity: PolarityParams | None = None
    mix: MixParams | None = None
    noise: NoiseParams | None = None
    gain: GainParams | None = None
    coloured_noise: ColouredNoiseParams | None = None
    impulse_response: ImpulseResponseParams | None = None
    filters: FilterParams | None = None
    clipping: ClippingParams | None = None
    codec: CodecParams | None = None
    warp: WarpParams | None = None
    reverberation: ReverberationParams | None = None
    equaliser: EqualiserParams | None = None
    band_limit: BandLimitParams | None = None
    time_mask: MaskParams | None = None
    band_mask: MaskParams | None = None
    erasing: ErasingParams | None = None
    patch_shuffle: PatchShuffleParams | None = None
    mixup: MixupParams | None = None

    @model_validator(mode="after")
    def _a_window_is_put_together_once(self) -> Self:
        shares = [each.probability for each in (self.sum, self.concatenate) if each is not None]
        if sum(shares) > 1 + 1e-9:
            text = (
                "a window is either a sum or a concatenation: the probabilities of sum and concatenate may be 1 together, "
                f"and are {sum(shares):g}"
            )
            raise PydanticCustomError("sizes", "{text}", {"text": text})
        return self

    @property
    def used(self) -> dict[str, Section]:
        """The augmentations that are on, by name, in the order in which they are applied."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def shifts_pitch(self) -> bool:
        """Whether spectra are shifted in pitch, which a test-time pitch shift needs."""
        shifts = (self.warp, self.pitch_shift)
        return any(each is not None and each.probability > 0 and each.semitones > 0 for each in shifts)

    @property
    def spectral(self) -> list[str]:
        """Names of what needs a frequency axis."""
        return [name for name, part in self.used.items() if name in SPECTRAL and getattr(part, "probability", 1.0) > 0]

    @property
    def changes_spectra(self) -> bool:
        """Whether anything is done that needs a frequency axis."""
        return bool(self.spectral)

    @property
    def partners(self) -> set[Partners]:
        """By what clips that are put together are chosen."""
        return {each.partners for each in (self.sum, self.concatenate) if each is not None}

    def problems(self, sample_rate_hz: int) -> list[str]:
        """Say which frequencies do not exist at a sample rate, each with its key below the entry."""
        edges = {
            "filters.highest_hz": None if self.filters is None else self.filters.highest_hz,
            "codec.lowest_hz": None if self.codec is None else self.codec.lowest_hz,
        }
        return [
            f"{key} is {edge:g}, and half of audio.sample_rate_hz is {sample_rate_hz / 2:g}; it must lie below"
            for key, edge in edges.items()
            if edge is not None and edge >= sample_rate_hz / 2
        ]


SPECTRAL = frozenset(
    ("warp", "reverberation", "equaliser", "band_limit", "time_mask", "band_mask", "erasing", "patch_shuffle")
)
"""What changes spectra: not to be had where a front end makes none."""
