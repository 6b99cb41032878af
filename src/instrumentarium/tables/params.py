"""Parameters of the sample store and of taxonomies."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Section


class AudioParams(Section):
    """The sample store: one rate for all clips, in Hz."""

    sample_rate_hz: Annotated[int, Field(ge=8000, le=96000)]


class InstrumentParams(Section):
    """One instrument: its code in files and columns, its name for people, its family."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    name: Annotated[str, Field(min_length=1)]
    family: str


def _is_a_rule(value: object) -> object:
    """Let one message take the place of one for each kind of value that is allowed."""
    lists = value.values() if isinstance(value, dict) else None
    if value not in ("none", "spelling") and (
        lists is None
        or not all(
            isinstance(codes, str) or (isinstance(codes, list) and all(isinstance(code, str) for code in codes))
            for codes in lists
        )
    ):
        raise PydanticCustomError("rule", "must be none, spelling, or a mapping of labels to codes or lists of codes")
    return value


LabelParams = Annotated[
    Literal["none", "spelling"] | dict[str, str | list[str]],
    BeforeValidator(_is_a_rule),
]
"""What a corpus's labels say of instruments.

"none": its clips have no instrument. "spelling": a label is the instrument that has it as code or name. A mapping: each
label is the instrument of that code, or those instruments, or, with an empty list, says nothing of any.
"""


class TaxonomyParams(Section):
    """The instruments to recognise, in order, and for each corpus what its labels say of them."""

    instruments: Annotated[list[InstrumentParams], Field(min_length=1)]
    corpora: dict[str, LabelParams]

    @model_validator(mode="after")
    def _codes_are_known(self) -> Self:
        codes = [instrument.code for instrument in self.instruments]
        problems = [f"two instruments have the code {code!r}" for code in sorted(set(codes)) if codes.count(code) > 1]
        for corpus, labels in self.corpora.items():
            problems += [
                f"corpora.{corpus}.{label} names {code!r}, which is no code of its instruments ({', '.join(codes)})"
                for label, code in _pairs(labels)
                if code not in codes
            ]
        if problems:
            raise PydanticCustomError("taxonomy", "{text}", {"text": "; ".join(problems)})
        return self


def _pairs(labels: LabelParams) -> Iterator[tuple[str, str]]:
    if isinstance(labels, dict):
        for label, codes in labels.items():
            yield from ((label, code) for code in ([codes] if isinstance(codes, str) else codes))
