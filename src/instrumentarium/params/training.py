"""Windows, augmentation, and what every training run shares."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.params.section import Section, Share


class WindowsParams(Section):
    """Windows cut from clips, in seconds, and how a clip's score is made of theirs."""

    length_s: Annotated[float, Field(ge=0.1, le=60)]
    hop_s: Annotated[float, Field(ge=0.05, le=60)]
    clip_score: Literal["mean", "max"]
    transposed_semitones: Annotated[float, Field(ge=0, le=12)]

    @model_validator(mode="after")
    def _windows_cover_the_clip(self) -> Self:
        if self.hop_s > self.length_s:
            text = f"hop_s ({self.hop_s}) exceeds length_s ({self.length_s}): parts of a clip would go unheard"
            raise PydanticCustomError("gap", "{text}", {"text": text})
        return self


class AugmentParams(Section):
    """Strength of the augmentations; each is drawn anew for every training window."""

    gain_db: Annotated[float, Field(ge=0, le=60)]
    noise_probability: Share
    noise_snr_db: Annotated[float, Field(ge=-10, le=40)]
    equaliser_probability: Share
    equaliser_db: Annotated[float, Field(ge=0, le=40)]
    band_limit_probability: Share
    band_limit_hz: Annotated[float, Field(ge=500)]
    warp_probability: Share
    warp_semitones: Annotated[float, Field(ge=0, le=12)]
    reverberation_probability: Share
    reverberation_s: Annotated[float, Field(ge=0.2, le=20)]
    reverberation_db: Annotated[float, Field(ge=-40, le=20)]
    mix_probability: Share
    mix_level_db: Annotated[float, Field(ge=0, le=40)]
    time_mask_share: Share
    band_mask_share: Share


class TrainingParams(Section):
    """What every training run shares, whatever the model."""

    weight_decay: Annotated[float, Field(ge=0)]
    warm_up_share: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)]
    negatives_share: Annotated[float, Field(ge=0, lt=1)]
