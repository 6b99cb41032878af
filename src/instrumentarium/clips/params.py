"""Parameters of windows, and of clips that sound alike."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.clips.levels import FADE_DB
from instrumentarium.runtime.section import Section

Conflicting = Literal["union", "unknown", "drop"]
"""What becomes of labels on which clips that sound alike disagree."""
CONFLICTING: TypeAdapter[Conflicting] = TypeAdapter(Conflicting)


class WindowsParams(Section):
    """Windows cut from clips, in seconds, and how a clip's score is made of their scores.

    A window that lies `quietest_db` below the loudest of its recording does not count (`clips.levels`). With a test-time
    pitch shift each window is scored as it is, and so many semitones lower and higher.
    """

    length_s: Annotated[float, Field(ge=0.1, le=60)]
    hop_s: Annotated[float, Field(ge=0.05, le=60)]
    clip_score: Literal["mean", "max"]
    quietest_db: Annotated[float, Field(ge=FADE_DB, le=150)]
    pitch_shift_semitones: Annotated[float, Field(ge=0, le=12)]

    @model_validator(mode="after")
    def _windows_cover_the_clip(self) -> Self:
        if self.hop_s > self.length_s:
            text = f"hop_s ({self.hop_s}) exceeds length_s ({self.length_s}): parts of a clip would be in no window"
            raise PydanticCustomError("gap", "{text}", {"text": text})
        return self
