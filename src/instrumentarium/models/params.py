"""Parameters of backbones and heads."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from instrumentarium.runtime.section import Count, Section

Dropout = Annotated[float, Field(ge=0, lt=1)]


class CnnParams(Section):
    """A plain convolutional network over spectra: the channels of its stem, then those of each block."""

    kind: Literal["cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=8, strict=False)]


class TimmParams(Section):
    """An image network of timm, by its name there."""

    kind: Literal["timm"]
    architecture: str


class WaveformCnnParams(Section):
    """A one-dimensional convolutional network over the raw waveform: the channels of its stem, then of each block."""

    kind: Literal["waveform_cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=5, strict=False)]


BackboneParams = Annotated[CnnParams | TimmParams | WaveformCnnParams, Field(discriminator="kind")]
BACKBONE: TypeAdapter[BackboneParams] = TypeAdapter(BackboneParams)
WAVEFORM_KINDS = frozenset({"waveform_cnn"})
"""Of backbones over the raw waveform; all others take spectra."""


class LinearHeadParams(Section):
    """One linear layer over features pooled over time: by their mean, or by their mean and their maximum."""

    kind: Literal["linear"]
    pooling: Literal["mean", "mean_max"]
    dropout: Dropout


class AttentionHeadParams(Section):
    """Scores at every step, weighted over time by an attention of each instrument's own."""

    kind: Literal["attention"]
    dropout: Dropout


HeadParams = Annotated[LinearHeadParams | AttentionHeadParams, Field(discriminator="kind")]
HEAD: TypeAdapter[LinearHeadParams | AttentionHeadParams] = TypeAdapter(HeadParams)
