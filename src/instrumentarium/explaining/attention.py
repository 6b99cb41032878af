"""Attention maps of transformers: from which tokens an instrument's logit has drawn.

Attention alone says where a layer looked, whatever for. Here each layer's attention is weighed by its gradient of the
instrument's logit, what speaks against the instrument is left out, heads are averaged, and layers are chained as residual
connections chain them. Chefer, Gur, Wolf: Generic Attention-model Explainability for Interpreting Bi-Modal and
Encoder-Decoder Transformers, ICCV 2021 (self-attention).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F


def attention_map(network: nn.Module, transformer: VisionTransformer, features: Tensor, instruments: Tensor) -> Tensor:
    """Return the relevance of every cell, (batch, bands, frames), at least 0, bilinear between the tokens' middles.

    Args:
        network: features → logits.
        transformer: the part of it that attends.
        features: to be explained, (batch, 1, bands, frames).
        instruments: whose logits are to be explained, (batch,).
    """
    with torch.enable_grad(), _read_attention(transformer) as maps:
        logits = network(features.detach().requires_grad_())
        gradients = torch.autograd.grad(logits.gather(1, instruments[:, None]).sum(), maps)
    relevance = _chained([each.detach() for each in maps], gradients)  # (batch, tokens, tokens)
    prefix = transformer.num_prefix_tokens
    pooled = relevance[:, prefix:].mean(dim=1)  # heads take the patches' embeddings, and never the class token's
    height, width = transformer.patch_embed.dynamic_feat_size(tuple(features.shape[2:]))
    tokens = pooled[:, prefix:].reshape(len(features), 1, height, width)
    size = [tokens * patch for tokens, patch in zip((height, width), transformer.patch_embed.patch_size, strict=True)]
    # the features were padded to whole tokens
    return F.interpolate(tokens, size=size, mode="bilinear", align_corners=False)[
        :, 0, : features.shape[2], : features.shape[3]
    ]


def _chained(maps: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """What each token holds of each other one's input beyond its own, given (batch, heads, tokens, tokens) by layer."""
    itself = torch.eye(maps[0].shape[-1], dtype=maps[0].dtype, device=maps[0].device)
    relevance = itself.expand(len(maps[0]), -1, -1)
    for attention, gradient in zip(maps, gradients, strict=True):
        step = (attention * gradient).clamp(min=0).mean(dim=1)
        relevance = relevance + step @ relevance
    return relevance - itself


@contextmanager
def _read_attention(transformer: VisionTransformer) -> Iterator[list[Tensor]]:
    """Yield a list that fills with each layer's attention, (batch, heads, tokens, tokens), as the network runs."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: tuple[Tensor, ...], attention: Tensor) -> None:
        found.append(attention)

    layers = [layer for layer in transformer.blocks.modules() if isinstance(layer, Attention)]
    fused = [layer.fused_attn for layer in layers]  # the fused kernel never writes attention down
    hooks = [layer.attn_drop.register_forward_hook(keep) for layer in layers]
    try:
        for layer in layers:
            layer.fused_attn = False  # type: ignore[misc]
        yield found
    finally:
        for layer, before, hook in zip(layers, fused, hooks, strict=True):
            layer.fused_attn = before  # type: ignore[misc]
            hook.remove()
