"""Parameters of the sample store."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Section


class AudioParams(Section):
    """The sample store: one rate for all clips, in Hz."""

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]
