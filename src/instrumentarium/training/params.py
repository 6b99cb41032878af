"""Parameters of training: the recipe of one model on one collection, and what every run shares."""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.models.params import Pretrained
from instrumentarium.runtime.process import Reproducible
from instrumentarium.runtime.section import Count, Positive, Section, Seed, Share

Curves = Literal["dvclive", "tensorboard", "none"]
"""What draws curves while a model trains; no result depends on it."""


class RecipeParams(Section):
    """How one model is trained on one collection; windows and augmentation are entries of those names."""

    epochs: Count
    windows_per_epoch: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    patience: Count
    precision: Literal["auto", "32-true", "bf16-mixed"]
    pretrained: Pretrained
    windows: str
    augmentation: str


class TrainingParams(Section):
    """What every training run shares, whatever the model."""

    seed: Seed | None
    reproducible: Reproducible
    sampling: Literal["uniform", "balanced"]
    weight_decay: Annotated[float, Field(ge=0)]
    decay_norms: bool
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    schedule: Literal["cosine", "one_cycle", "plateau"]
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]
    plateau_patience: Count
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    accumulate: Count
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None
    freeze_epochs: Annotated[int, Field(ge=0)]
    max_grad_norm: Positive
    negatives_share: Share
    curves: Curves
