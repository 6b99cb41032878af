"""Parameters of the duplicates stage."""

from typing import Annotated

from pydantic import Field, TypeAdapter

OverridesName = Annotated[str, Field(min_length=1)] | None
OVERRIDES_NAME: TypeAdapter[str | None] = TypeAdapter(OverridesName)
