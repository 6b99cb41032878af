"""What asks for keys and tempi."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Section


class KeysParams(Section):
    """By which of the two partners are chosen; neither: nothing is estimated."""

    by: Annotated[tuple[str, ...], Field(strict=False)]
