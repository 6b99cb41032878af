"""Normalisation of features: by nothing, by constants, or by each channel's and band's statistics over training clips."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from instrumentarium.runtime.section import Positive, Section

Means = Annotated[tuple[Annotated[tuple[float, ...], Field(strict=False)], ...], Field(strict=False)]
Deviations = Annotated[tuple[Annotated[tuple[Positive, ...], Field(strict=False)], ...], Field(strict=False)]


class Normalisation(Section):
    """data/stats.json: a mean and a standard deviation for each channel and band, (channels, bands).

    Of kind `none` there are none, and of kind `fixed` one of each for all features. `frames` is how many frames the
    statistics were taken over; 0 where they are no statistics.
    """

    kind: Literal["none", "fixed", "per_band"]
    mean: Means
    std: Deviations
    frames: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _as_many_of_both(self) -> Self:
        shapes = [[len(row) for row in rows] for rows in (self.mean, self.std)]
        wrong = {"none": shapes[0] != [], "fixed": shapes[0] != [1], "per_band": not shapes[0]}[self.kind]
        if shapes[0] != shapes[1] or wrong:
            text = f"mean and std of kind {self.kind} have shapes {shapes[0]} and {shapes[1]}"
            raise PydanticCustomError("shapes", "{text}", {"text": text})
        return self


NO_NORMALISATION = Normalisation(kind="none", mean=(), std=(), frames=0)


class Normalise(nn.Module):
    """Features → features with the mean subtracted, divided by the deviation.

    The constants follow the device and are never stored with the weights: model.json has them.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, normalisation: Normalisation) -> None:
        super().__init__()
        self.kind = normalisation.kind
        mean, std = ([[0.0]], [[1.0]]) if self.kind == "none" else (normalisation.mean, normalisation.std)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32)[:, :, None], persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32)[:, :, None], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return the normalised features."""
        if self.kind == "none":
            return features
        if self.kind == "fixed":
            return (features - self.mean[0, 0, 0]) / self.std[0, 0, 0]
        return (features - self.mean) / self.std  # (channels, bands, 1) against (batch, channels, bands, frames)
