"""Parameters of the duplicates stage."""

from typing import Literal

from pydantic import TypeAdapter

Contradictory = Literal["union", "unknown", "drop"]
CONTRADICTORY: TypeAdapter[Contradictory] = TypeAdapter(Contradictory)
