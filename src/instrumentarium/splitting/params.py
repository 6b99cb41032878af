"""Parameters of the split stage."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Section, Share


class SplitShares(Section):
    """A stratified group split: the share of the clips that each split gets; together 1."""

    train: Share
    validation: Share
    test: Share

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            text = f"train, validation and test must sum to 1, their sum is {total:g}"
            raise PydanticCustomError("shares", "{text}", {"text": text})
        return self


FOLDS = 5
"""Of cross-validation."""


class SplitParams(Section):
    """How recordings are split; ESC-50 goes by its official folds, of which fold 5 is for testing only.

    With `fold`, that one of FOLDS folds of all recordings outside test validates, whatever else is said of validation.
    """

    irmas_test_songs: SplitShares
    openmic_validation_share: Annotated[float, Field(ge=0, lt=1)]
    esc50_validation_fold: Annotated[int, Field(ge=1, le=4)]
    own: SplitShares
    fold: Annotated[int, Field(ge=0, lt=FOLDS)] | None
    frozen: Annotated[str, Field(min_length=1)] | None
