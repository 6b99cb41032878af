"""Parameters of objectives."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from instrumentarium.runtime.section import Section


class CrossEntropyParams(Section):
    """Binary cross-entropy over the observed pairs; smoothing pulls targets towards 1/2."""

    kind: Literal["bce"]
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)]


LossParams = CrossEntropyParams
LOSS: TypeAdapter[CrossEntropyParams] = TypeAdapter(LossParams)
