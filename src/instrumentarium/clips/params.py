"""Windows cut from clips, and how a clip's score is made of theirs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Section


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
