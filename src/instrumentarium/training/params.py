"""Parameters of training: the recipe of one model on one collection, and what every run shares."""

from typing import Annotated, Literal

from pydantic import Field

from instrumentarium.models.params import AstParams, BackboneParams, BeatsParams, Pretrained, SideInput, Wav2Vec2Params
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


class TrainerParams(Section):
    """What a training runs on: one process a device; results differ by rounding alone."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count | Literal["auto"]
    num_nodes: Count
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"]
    samples: Literal["streamed", "resident"]
    compile: bool


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
    unfreeze_from: Annotated[str, Field(min_length=1)] | None
    gradient_checkpointing: bool
    lora_rank: Annotated[int, Field(ge=0)]
    lora_alpha: Positive
    lora_targets: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, strict=False)]
    max_grad_norm: Positive
    negatives_share: Share
    side_inputs: Annotated[tuple[SideInput, ...], Field(max_length=2, strict=False)]
    side_unknown_share: Share
    curves: Curves
    trainer: TrainerParams


def lacks_layers_to_adapt(backbone: BackboneParams, training: TrainingParams) -> str | None:
    """Say that adapters are asked for, and the backbone is no transformer; None otherwise."""
    whole = isinstance(backbone, AstParams | BeatsParams) or (isinstance(backbone, Wav2Vec2Params) and backbone.encoder)
    if not training.lora_rank or whole:
        return None
    return (
        f"training.lora_rank is {training.lora_rank}, and adapters are for transformers (ast, beats, wav2vec2), not for "
        f"backbone {backbone.kind}; set it to 0"
    )


def undivided_batch(recipe: RecipeParams, devices: int, num_nodes: int) -> str | None:
    """Say that a batch cannot be divided evenly among the processes of a training; None otherwise."""
    rows = min(recipe.batch_size, recipe.windows_per_epoch)
    if not rows % (devices * num_nodes):
        return None
    return (
        f"training.trainer asks for devices {devices} × num_nodes {num_nodes}, among which the recipe's batch of {rows} "
        "windows cannot be divided evenly; change one of them"
    )
