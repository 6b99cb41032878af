"""Strengths of the augmentations."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Section, Share


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

    @property
    def warps(self) -> bool:
        """Whether spectra are shifted in pitch, which a test-time pitch shift needs."""
        return self.warp_probability > 0 and self.warp_semitones > 0

    @property
    def changes_spectra(self) -> bool:
        """Whether anything is done that needs a frequency axis."""
        shares = (self.time_mask_share, self.band_mask_share, self.equaliser_probability)
        return any((*shares, self.band_limit_probability, self.warp_probability, self.reverberation_probability))
