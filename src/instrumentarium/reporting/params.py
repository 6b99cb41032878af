"""The report: how much of it is shown."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Section


class ReportParams(Section):
    """How many of the worst test clips are shown, for each instrument and each kind of mistake; 0 shows none."""

    gallery: Annotated[int, Field(ge=0, le=20)]
