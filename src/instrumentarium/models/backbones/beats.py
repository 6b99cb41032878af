"""BEATs over Kaldi's filter bank: a transformer over patches of 16 bands and 16 frames, pretrained on AudioSet.

The layers are those of the package openbeats, built from our parameters; what leads to them and away from them is here,
since the package computes features clip by clip. Positions are relative, so windows of any length need no interpolation:
patches are numbered frame by frame and within a frame by band, and a layer knows how far two of them lie apart.

Source: Chen, Wu, Wang, Liu, Tompkins, Chen, Che, Yu, Wei: BEATs: Audio pre-training with acoustic tokenizers, ICML 2023.
"""

import re
import warnings
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from instrumentarium.models.backbones.base import Backbone, Block, FeatureShape, MissingPackageError, blocks_of
from instrumentarium.models.params import BeatsParams
from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError

POSITIONS = "self_attn.relative_attention_bias.weight"
"""The positions' weights, which all layers share; published files have them once a layer."""
OTHERS = re.compile(rf"encoder\.layers\.[1-9]\d*\.{re.escape(POSITIONS)}|(raw2fbank|patch_embedding)_pad\.|predictor\.")
"""Published tensors that are not needed: copies, constants of padding, and the classifier of fine-tuned networks."""
PREFIX = "encoder.patch_embedding."
"""How the first tensor's name begins where a training script kept the network as one part of another."""


class Beats(Backbone):
    """Features (batch, 1, bands, frames) → (batch, size, steps); a step is `patch_size` frames, bands are averaged.

    Frames behind the last whole patch are left out, as by its authors; of a window shorter than one patch the rest is
    filled up with zeros, the mean of AudioSet.
    """

    def __init__(self, params: BeatsParams, shape: FeatureShape) -> None:
        super().__init__()
        self.params, self.size, self.checkpointing = params, params.hidden_size, False
        network = _encoder(params)
        self.patch_embedding: nn.Module = network.patch_embedding
        self.layer_norm: nn.Module = network.layer_norm
        self.post_extract_proj: nn.Module = network.post_extract_proj or nn.Identity()
        self.encoder: Any = network.encoder
        convolution = nn.utils.remove_weight_norm(self.encoder.pos_conv[0])  # hooks that no copy survives
        self.encoder.pos_conv[0] = nn.utils.parametrizations.weight_norm(convolution, dim=2)
        for layer in self.encoder.layers[1:]:
            del layer.self_attn.relative_attention_bias  # the first one's, and given the distances by it
            layer.self_attn.has_relative_attention_bias = False

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the embeddings with the positions, and the layers."""
        first = nn.ModuleList([self.patch_embedding, self.layer_norm, self.post_extract_proj])
        first += [self.encoder.pos_conv, self.encoder.layer_norm]
        return blocks_of(
            {"embeddings": first, **{f"layers.{number}": layer for number, layer in enumerate(self.encoder.layers)}}
        )

    def checkpoint_gradients(self) -> None:
        """Compute what is inside a layer again for its gradients."""
        self.checkpointing = True

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        side = self.params.patch_size
        pictures = F.pad(features, (0, max(0, side - features.shape[3]))).transpose(2, 3)  # (batch, 1, frames, bands)
        patches = self.patch_embedding(pictures)  # (batch, size, steps, bands / 16)
        grid = (patches.shape[2], patches.shape[3])
        x = self.post_extract_proj(self.layer_norm(patches.flatten(2).transpose(1, 2)))
        x = x + self.encoder.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        x = self.encoder.layer_norm(x).transpose(0, 1)  # (patches, batch, size)
        positions = None
        for layer in self.encoder.layers:
            if self.checkpointing and self.training:
                x, _, positions = checkpoint(layer, x, pos_bias=positions, use_reentrant=False)
            else:
                x, _, positions = layer(x, pos_bias=positions)
        found: Tensor = x.permute(1, 2, 0).unflatten(2, grid).mean(dim=3)
        return found

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over published weights.

        Raises:
            PretrainedWeightsError: if they are of another network, or some are missing.
        """
        self._check_configuration(checkpoint)
        tensors = dict(checkpoint.tensors)
        if any(name.startswith(PREFIX) for name in tensors):
            tensors = {
                name.removeprefix("encoder."): each for name, each in tensors.items() if name.startswith("encoder.")
            }
        tensors = {name: tensor for name, tensor in tensors.items() if not OTHERS.match(name)}
        try:
            self.load_state_dict(tensors)
        except RuntimeError as error:
            raise PretrainedWeightsError(_of_another(checkpoint.where, " ".join(str(error).split())[:200])) from error

    def _check_configuration(self, checkpoint: Checkpoint) -> None:
        """Hold what lay with the weights against our parameters: sizes alone do not tell all that a network does."""
        for key, ours in _configuration(self.params).items():
            published = checkpoint.config.get(key, ours)
            if key not in DROPOUTS and published != ours:
                raise PretrainedWeightsError(
                    _of_another(checkpoint.where, f"its cfg has {key} {published}, ours is {ours}")
                )


DROPOUTS = frozenset({"dropout", "attention_dropout", "encoder_layerdrop"})
"""What each fine-tuning may choose anew."""


def _configuration(params: BeatsParams) -> dict[str, Any]:
    return {
        "input_patch_size": params.patch_size,
        "embed_dim": params.embed_dim,
        "encoder_layers": params.num_hidden_layers,
        "encoder_embed_dim": params.hidden_size,
        "encoder_ffn_embed_dim": params.intermediate_size,
        "encoder_attention_heads": params.num_attention_heads,
        "conv_pos": params.conv_pos,
        "conv_pos_groups": params.conv_pos_groups,
        "relative_position_embedding": True,
        "num_buckets": params.num_buckets,
        "max_distance": params.max_distance,
        "gru_rel_pos": True,
        "deep_norm": params.deep_norm,
        "layer_norm_first": False,
        "dropout": 0.0,  # as published; the head has its own
        "attention_dropout": 0.0,
        "encoder_layerdrop": 0.0,  # would be drawn outside our seeds
    }


def _encoder(params: BeatsParams) -> Any:
    try:
        import openbeats.beats_encoder as published
    except ImportError as error:
        raise MissingPackageError(
            "this model needs the package openbeats; install it with `pip install 'instrumentarium[pretrained]'`"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of weight norm's older form, which is replaced
        return published.BeatsEncoder(0, beats_config=_configuration(params))


def _of_another(where: str, reason: str) -> str:
    return f"{where} holds weights of another network ({reason}); give the model's `backbone` in params.yaml its values"
