"""Normalisation constants: one mean and one standard deviation a band."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Section


class Stats(Section):
    """data/stats.json: one mean and one standard deviation a band, in dB, and the frames they were taken over."""

    mean: Annotated[tuple[float, ...], Field(strict=False)]
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)]
    frames: Annotated[int, Field(ge=1)]
