"""Parameters of networks."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from instrumentarium.runtime.section import Count, Section


class CnnParams(Section):
    """A plain convolutional network: the channels of its stem, then those of each block of two convolutions."""

    kind: Literal["cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=8, strict=False)]
    dropout: Annotated[float, Field(ge=0, lt=1)]


class TimmParams(Section):
    """An image network of timm, by its name there."""

    kind: Literal["timm"]
    architecture: str
    dropout: Annotated[float, Field(ge=0, lt=1)]


NetworkParams = Annotated[CnnParams | TimmParams, Field(discriminator="kind")]
NETWORK: TypeAdapter[CnnParams | TimmParams] = TypeAdapter(NetworkParams)
