"""The optimiser and its learning rate over a run, and the average of its weights."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError
from instrumentarium.training.finetuning import block_numbers


class LayerDecayError(UserError, ValueError):
    """The backbone does not say in what order its blocks come."""


def depth_factors(model: RecognitionModel, layer_decay: float) -> dict[str, float]:
    """Return the learning rate of each parameter against the recipe's, by name: 1 for the head, less towards the input.

    What the backbone holds besides its blocks goes with the block before it, or with the first.

    Raises:
        LayerDecayError: if rates are to differ and the backbone does not know its blocks.
    """
    names = [name for name, _ in model.named_parameters()]
    if layer_decay == 1:
        return dict.fromkeys(names, 1.0)
    blocks = len(model.backbone.blocks_in_order())
    if not blocks:
        raise LayerDecayError(
            f"training.layer_decay is {layer_decay:g}, and {type(model.backbone).__name__} does not say in what order its "
            "blocks come; set it to 1, or choose another `model`"
        )
    factors = {f"backbone.{name}": layer_decay ** (blocks - n) for name, n in block_numbers(model.backbone).items()}
    return {name: factors.get(name, 1.0) for name in names}


def build_optimizer(
    model: RecognitionModel,
    learning_rate: float,
    weight_decay: float,
    *,
    decay_norms: bool = True,
    layer_decay: float = 1.0,
    objective: nn.Module | None = None,
) -> torch.optim.Optimizer:
    """Return AdamW, fused.

    Args:
        model: whose weights are trained.
        learning_rate: of the head, and of all where `layer_decay` is 1.
        weight_decay: of the weights.
        decay_norms: whether it is also that of norms and biases.
        layer_decay: ratio of the learning rates of a block and the one behind it.
        objective: what the objective learns, if anything, is trained at the head's rate without weight decay.

    Raises:
        LayerDecayError: if rates are to differ and the backbone does not know its blocks.
    """
    factors = depth_factors(model, layer_decay)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weights in model.named_parameters():
        decays = decay_norms or not (weights.ndim < 2 or name.endswith("bias"))
        groups.setdefault((learning_rate * factors[name], weight_decay if decays else 0.0), []).append(weights)
    if objective is not None and (learned := list(objective.parameters())):
        groups.setdefault((learning_rate, 0.0), []).extend(learned)
    return torch.optim.AdamW(
        [{"params": mine, "lr": rate, "weight_decay": decay} for (rate, decay), mine in groups.items()], fused=True
    )


def cosine_schedule(optimizer: torch.optim.Optimizer, steps: int, warmup_ratio: float) -> LRScheduler:
    """Return a linear warm-up over `warmup_ratio` of all steps, then a cosine decay to 0."""
    warmup = max(round(steps * warmup_ratio), 1)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min((step - warmup) / max(steps - warmup, 1), 1.0)))

    return LambdaLR(optimizer, factor)


def one_cycle_schedule(optimizer: torch.optim.Optimizer, steps: int, warmup_ratio: float) -> LRScheduler:
    """Return torch's one-cycle schedule: up over `warmup_ratio` of all steps, down to nearly 0, momentum the other way.

    Smith, Topin: Super-convergence, 2019.
    """
    total = max(steps, 4)  # with fewer, one of the two phases would have no step
    rates = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, rates, total_steps=total, pct_start=min(max(warmup_ratio, 2 / total), 1 - 1 / total))


def build_schedule(kind: str, optimizer: torch.optim.Optimizer, steps: int, warmup_ratio: float) -> LRScheduler | None:
    """Return the schedule by the step of this kind; None for plateau, which goes by the epoch's validation."""
    match kind:
        case "cosine":
            return cosine_schedule(optimizer, steps, warmup_ratio)
        case "one_cycle":
            return one_cycle_schedule(optimizer, steps, warmup_ratio)
        case "plateau":
            return None
    raise ValueError(f"there is no schedule {kind!r}")


def averaged_model(model: RecognitionModel, decay: float) -> AveragedModel:
    """Return the exponential moving average of the model's weights and buffers, to be updated after each step.

    Early averages forget faster: the decay after n steps is at most (1 + n) / (10 + n), as in TensorFlow, so that the
    first weights, drawn at random, are soon out of it.
    """

    def average(averages: Sequence[Tensor], weights: Sequence[Tensor], steps: Tensor | int) -> Any:
        count = float(steps)
        return get_ema_multi_avg_fn(min(decay, (1 + count) / (10 + count)))(averages, weights, steps)  # type: ignore[no-untyped-call]

    averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    return averaged.requires_grad_(False)  # nobody waits for gradients of it
