"""From scores to predictions: thresholds that were chosen on validation, frozen, and what they predict.

Three rules: *fixed* is 0.5, *global* one threshold for all instruments, *per_instrument* one for each. A clip is given an
instrument when its score is at least the threshold. How they are chosen: `instrumentarium.evaluation.choosing`.
"""

import json
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.taxonomy import CODES

Rule = Literal["fixed", "global", "per_instrument"]
RULES: tuple[Rule, ...] = get_args(Rule)

FIXED = 0.5

Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ThresholdsError(UserError, ValueError):
    """A file does not hold thresholds."""


class MissingThresholdsError(UserError, FileNotFoundError):
    """The thresholds have not been chosen yet."""


class Support(BaseModel):
    """On how much an instrument's threshold rests: its positives in validation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: Annotated[int, Field(ge=0)]
    recordings: Annotated[int, Field(ge=0)]


class Thresholds(BaseModel):
    """Thresholds as data/thresholds.json holds them; they cannot be changed.

    Attributes:
        chosen_from: the split they were chosen on.
        rule: which of them make the predictions.
        fixed: for every instrument, not chosen at all.
        global_: for every instrument; "global" in the file.
        per_instrument: code to threshold, drawn toward the global one.
        unshrunk: code to the threshold of highest F1 itself, None without positives.
        positives: code to what the threshold rests on.
        cross_fitted_f1_macro: rule to macro F1 on validation when each clip's thresholds come from other recordings.
        temperature: divides the logits of scores that are to be read as probabilities; thresholds are for scores as they
            are. Files from before it was known lack it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    chosen_from: str
    rule: Rule
    fixed: Threshold
    global_: Annotated[Threshold, Field(alias="global")]
    per_instrument: dict[str, Threshold]
    unshrunk: dict[str, Threshold | None]
    positives: dict[str, Support]
    cross_fitted_f1_macro: dict[Rule, float]
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    @field_validator("per_instrument", "unshrunk", "positives")
    @classmethod
    def _covers_the_instruments(cls, by_code: dict[str, object]) -> dict[str, object]:
        if set(by_code) != set(CODES):
            raise ValueError(f"must have exactly the instruments {', '.join(CODES)}; found {', '.join(by_code)}")
        return {code: by_code[code] for code in CODES}

    def vector(self, rule: Rule | None = None) -> FloatArray:
        """Return the thresholds of `rule` (by default the chosen one), (instruments,)."""
        match rule or self.rule:
            case "fixed":
                return np.full(len(CODES), self.fixed)
            case "global":
                return np.full(len(CODES), self.global_)
            case "per_instrument":
                return np.array([self.per_instrument[code] for code in CODES])

    def predict(self, scores: FloatArray, rule: Rule | None = None) -> BoolArray:
        """Return which instruments each clip is given: scores (clips, instruments) at or above the thresholds."""
        return scores >= self.vector(rule)

    def content(self) -> dict[str, object]:
        """Return what the file holds."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read data/thresholds.json.

        Raises:
            MissingThresholdsError: if it is missing.
            ThresholdsError: if it is not JSON, or not complete thresholds.
        """
        if not path.exists():
            raise MissingThresholdsError(f"{path} is missing; run `dvc repro evaluate`")
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, ValidationError) as error:
            raise ThresholdsError(f"{path} does not hold thresholds: {error}") from error
