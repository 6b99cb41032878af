"""Parameters of the duplicates stage."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

Conflicting = Literal["union", "unknown", "drop"]
CONFLICTING: TypeAdapter[Conflicting] = TypeAdapter(Conflicting)

OverridesName = Annotated[str, Field(min_length=1)] | None
OVERRIDES_NAME: TypeAdapter[str | None] = TypeAdapter(OverridesName)
