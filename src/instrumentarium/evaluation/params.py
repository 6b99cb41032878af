"""Evaluation: which thresholds make the predictions, and how finely their uncertainty is measured."""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.runtime.section import Section


class EvaluateParams(Section):
    """Which thresholds, all chosen on validation, make the predictions that are counted; resamples of the intervals."""

    rule: Literal["fixed", "global", "per_instrument"]
    resamples: Annotated[int, Field(ge=100)]
