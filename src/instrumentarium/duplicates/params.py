"""Parameters of the duplicates stage."""

from typing import Literal

from pydantic import TypeAdapter

Conflicting = Literal["union", "unknown", "drop"]
CONFLICTING: TypeAdapter[Conflicting] = TypeAdapter(Conflicting)
