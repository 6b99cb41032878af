"""What of a backbone is trained: all of it, what follows a block, or low-rank adapters; and how its gradients are computed.

Adapters are those of the package peft: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen: LoRA: Low-rank adaptation of
large language models, ICLR 2022. What is kept of a training has them merged into the layers that they belong to.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, MissingPackageError
from instrumentarium.models.params import BackboneParams
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError
from instrumentarium.training.params import TrainingParams

ADAPTER, ADAPTED = "default", ".base_layer."
"""peft's name of the one adapter, and what it puts into the names of an adapted layer's own weights."""


class FineTuningError(UserError, ValueError):
    """A backbone that cannot be trained in the way that is asked for."""


def prepare_backbone(model: RecognitionModel, training: TrainingParams) -> None:
    """Make a model's backbone be trained as `training` says; adapters draw their weights from torch's global generator.

    Raises:
        FineTuningError: if the backbone has no such block or layers, or two ways are asked for at once.
        CheckpointingError: if its gradients cannot be checkpointed.
        MissingPackageError: if adapters are asked for and peft is not installed.
    """
    if training.gradient_checkpointing:
        model.backbone.checkpoint_gradients()
    if training.unfreeze_from is not None:
        if training.lora_rank:
            raise FineTuningError(
                f"training.lora_rank is {training.lora_rank} and training.unfreeze_from {training.unfreeze_from!r}: with "
                "adapters all of the backbone's own weights stay as they are; set one of the two to 0 or null"
            )
        freeze_before(model.backbone, training.unfreeze_from)
    if training.lora_rank:
        add_adapters(model.backbone, training.lora_rank, training.lora_alpha, training.lora_targets)


def block_numbers(backbone: Backbone) -> dict[str, int]:
    """Return the place of the block that each weight of a backbone belongs to, by the weight's name.

    What lies in no block goes with the block before it, or with the first.
    """
    place = {id(each): number for number, block in enumerate(backbone.blocks_in_order()) for each in block.weights}
    numbers, current = {}, 0
    for name, weights in backbone.named_parameters():
        current = place.get(id(weights), current)
        numbers[name] = current
    return numbers


def freeze_before(backbone: Backbone, block: str) -> None:
    """Let only the block of this name and those behind it be trained.

    Raises:
        FineTuningError: if there is none; the message names those that there are.
    """
    names = [each.name for each in backbone.blocks_in_order()]
    if block not in names:
        known = f"its blocks are {', '.join(names)}" if names else "it does not say what its blocks are"
        raise FineTuningError(
            f"training.unfreeze_from is {block!r}, and {type(backbone).__name__} has no such block; {known}"
        )
    numbers, first = block_numbers(backbone), names.index(block)
    for name, weights in backbone.named_parameters():
        weights.requires_grad_(numbers[name] >= first)


def add_adapters(backbone: Backbone, rank: int, alpha: float, targets: tuple[str, ...]) -> None:
    """Give layers adapters, which alone are trained from then on: W x + (alpha / rank) · B A x, where B begins as 0.

    Raises:
        FineTuningError: if the backbone has no layer of such a name.
        MissingPackageError: if peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingPackageError(
            "training.lora_rank needs the package peft; install it with `pip install 'instrumentarium[pretrained]'`"
        ) from error
    linear = [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]
    for target in targets:
        if not any(name.endswith(f".{target}") for name in linear):
            ends = sorted({name.rpartition(".")[2] for name in linear})
            raise FineTuningError(
                f"training.lora_targets names {target!r}, and {type(backbone).__name__} has no linear layer whose name "
                f"ends so; its layers' names end in {', '.join(ends) or 'nothing'}"
            )
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=list(targets))
    inject_adapter_in_model(config, getattr(backbone, "network", backbone))  # peft knows transformers' networks as such
    for name, weights in backbone.named_parameters():
        weights.requires_grad_(".lora_" in name)


def keep_still(backbone: Backbone) -> None:
    """Put the parts of which no weight is trained into evaluation, so that the statistics of norms stay as they are."""
    for module in backbone.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(weights.requires_grad for weights in own):
            module.eval()


def plain_weights(model: RecognitionModel) -> dict[str, Tensor]:
    """Return copies of all weights and buffers as a model without adapters has them, on the CPU."""
    found = {}
    for name, tensor in model.state_dict().items():
        if ".lora_" in name:
            continue
        layer, adapted, rest = name.rpartition(ADAPTED)
        merged = tensor
        if adapted and rest == "weight":
            adapter: Any = model.get_submodule(layer)
            merged = tensor + adapter.get_delta_weight(ADAPTER)
        found[f"{layer}.{rest}" if adapted else name] = merged.detach().cpu().clone()
    return found


def own_parameters(model: nn.Module) -> int:
    """Return how many weights a model has once its adapters are merged."""
    return sum(weights.numel() for name, weights in model.named_parameters() if ".lora_" not in name)


def libraries_of(backbone: BackboneParams, *, adapters: bool) -> Mapping[str, bool]:
    """Return which of the packages that only some trainings use one of this backbone does, with adapters or without."""
    return {
        "openbeats": backbone.kind == "beats",
        "peft": adapters,
        "torchvision": backbone.kind == "efficientat",
        "transformers": backbone.kind in {"ast", "wav2vec2"},
    }
