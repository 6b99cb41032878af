"""Explanations: which clips are explained, by which method, and how embeddings are projected."""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.runtime.section import Section

MethodChoice = Literal["auto", "gradcam", "attention", "gradients"]


class ExplainParams(Section):
    """Which clips are explained, by which method, and how embeddings are projected.

    `clips`, where there are any, are explained instead of the best and the worst of each instrument.
    """

    method: MethodChoice
    per_instrument: Annotated[int, Field(ge=0, le=20)]
    clips: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
    perplexity: Annotated[float, Field(gt=1, le=500)]
    most_points: Annotated[int, Field(ge=10, le=20000)]
