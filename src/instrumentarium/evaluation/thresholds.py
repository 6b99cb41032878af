"""From scores to predictions: thresholds that were chosen on validation, frozen, and what they predict.

Three rules: *fixed* is 0.5, *global* one threshold for all instruments, *per_instrument* one for each. An instrument is
predicted when its score is at least the threshold. How they are chosen: `instrumentarium.evaluation.choosing`.

The file holds the sha256 of its content and that of the model's description, so that damage is noticed, and thresholds are
never taken for another model's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import DamagedFileError, read_json, sealed, unseal

Rule = Literal["fixed", "global", "per_instrument"]
RULES: tuple[Rule, ...] = get_args(Rule)
RULE: TypeAdapter[Rule] = TypeAdapter(Rule)

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
        model_sha256: the sha256 that the model.json of the model holds whose scores they were chosen for; None of another
            system's. It belongs to the file, and is no part of `content`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())

    chosen_from: str
    rule: Rule
    fixed: Threshold
    global_: Annotated[Threshold, Field(alias="global")]
    per_instrument: dict[str, Threshold]
    unshrunk: dict[str, Threshold | None]
    positives: dict[str, Support]
    cross_fitted_f1_macro: dict[Rule, float]
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    model_sha256: Annotated[str | None, Field(exclude=True)] = None

    @model_validator(mode="after")
    def _are_of_the_same_instruments(self) -> Self:
        for name, found in {"unshrunk": list(self.unshrunk), "positives": list(self.positives)}.items():
            if set(found) != set(self.codes):
                raise ValueError(
                    f"{name} must have exactly the instruments {', '.join(self.codes)}; found {', '.join(found)}"
                )
        return self

    @property
    def codes(self) -> tuple[str, ...]:
        """The instruments' codes, in the order of `vector`."""
        return tuple(self.per_instrument)

    def ordered(self, codes: Sequence[str]) -> Self:
        """Return the same thresholds in the order of `codes`.

        Raises:
            ThresholdsError: if they are of other instruments.
        """
        if set(codes) != set(self.codes):
            raise ThresholdsError(
                f"thresholds are of the instruments {', '.join(self.codes)}; wanted are those of {', '.join(codes)}; "
                "run `dvc repro evaluate`"
            )
        by_code = {name: getattr(self, name) for name in ("per_instrument", "unshrunk", "positives")}
        return self.model_copy(update={name: {code: each[code] for code in codes} for name, each in by_code.items()})

    def vector(self, rule: Rule | None = None) -> FloatArray:
        """Return the thresholds of `rule` (by default the chosen one), (instruments,)."""
        match rule or self.rule:
            case "fixed":
                return np.full(len(self.codes), self.fixed)
            case "global":
                return np.full(len(self.codes), self.global_)
            case "per_instrument":
                return np.array(list(self.per_instrument.values()))

    def predict(self, scores: FloatArray, rule: Rule | None = None) -> BoolArray:
        """Return what is predicted, (clips, instruments): scores, in the order of `codes`, at or above the thresholds."""
        return scores >= self.vector(rule)

    def content(self) -> dict[str, object]:
        """Return what was chosen, as the file holds it."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, path: Path, model_sha256: str | None = None) -> None:
        """Write the file, sealed; `model_sha256` is of the model whose scores they were chosen for."""
        whose = {} if model_sha256 is None else {"model_sha256": model_sha256}
        write_json(path, sealed({**self.content(), **whose}), sort_keys=False)

    @classmethod
    def read(cls, path: Path, codes: Sequence[str] | None = None) -> Self:
        """Read data/thresholds.json; where `codes` are stated, in their order.

        Raises:
            MissingThresholdsError: if it is missing.
            ThresholdsError: if it is damaged, not complete thresholds, or they are of other instruments than `codes`.
        """
        if not path.exists():
            raise MissingThresholdsError(f"{path} is missing; run `dvc repro evaluate`")
        try:
            content = read_json(path)
            found = cls.model_validate(unseal(content, path)[0] if isinstance(content, Mapping) else content)
        except DamagedFileError as error:
            raise ThresholdsError(
                f"{path} does not hold thresholds: {error.reason}; remove it and run `dvc checkout`, choose them "
                "again with `dvc repro --force evaluate`, or take the key sha256 out if the change is yours"
            ) from error
        except ValidationError as error:
            raise ThresholdsError(f"{path} does not hold thresholds: {error}") from error
        try:
            return found if codes is None else found.ordered(codes)
        except ThresholdsError as error:
            raise ThresholdsError(f"{path}: {error}") from error
