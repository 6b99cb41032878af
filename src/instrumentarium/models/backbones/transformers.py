"""Transformers pretrained on audio: AST over filter banks; wav2vec 2.0, whole or its convolutions, over waveforms.

Networks are those of Hugging Face's transformers, built from our parameters, so that a trained model needs no hub.

Sources: Gong, Chung, Glass: AST: Audio spectrogram transformer, Interspeech 2021. Baevski, Zhou, Mohamed, Auli: wav2vec
2.0: A framework for self-supervised learning of speech representations, NeurIPS 2020.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from instrumentarium.models.backbones.base import Backbone, Block, FeatureShape, MissingPackageError, blocks_of
from instrumentarium.models.params import AstParams, Wav2Vec2Params
from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError

PREFIX_TOKENS = 2
"""Of AST: for the class and for distillation."""
PUBLISHED_FRAMES = 1024
PUBLISHED_BINS = 128
"""What AST's published position embeddings are for."""


class Ast(Backbone):
    """Features (batch, 1, bands, frames) → (batch, size, steps); a step is `time_stride` frames, bands are averaged.

    It is built for our window. Published weights are for 10.24 s: their position embeddings are interpolated over time
    and bands, where the authors pad every clip to that length, at three times the work for 3 s. Spectrograms of other
    lengths have them interpolated as they come.
    """

    def __init__(self, params: AstParams, shape: FeatureShape) -> None:
        super().__init__()
        transformers = _transformers()
        self.config = transformers.ASTConfig(
            hidden_size=params.hidden_size,
            num_hidden_layers=params.num_hidden_layers,
            num_attention_heads=params.num_attention_heads,
            intermediate_size=params.intermediate_size,
            patch_size=params.patch_size,
            frequency_stride=params.frequency_stride,
            time_stride=params.time_stride,
            num_mel_bins=shape[1],
            max_length=shape[2],
        )
        self.network: Any = transformers.ASTModel(self.config)
        self.size = params.hidden_size

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the embeddings and the layers."""
        layers = {f"layers.{number}": layer for number, layer in enumerate(self.network.layers)}
        return blocks_of({"embeddings": self.network.embeddings, **layers})

    def checkpoint_gradients(self) -> None:
        """Compute what is inside a layer again for its gradients."""
        self.network.gradient_checkpointing_enable({"use_reentrant": False})

    def grid(self, bands: int, frames: int) -> tuple[int, int]:
        """Return how many patches there are over bands and frames."""
        config = self.config
        return (bands - config.patch_size) // config.frequency_stride + 1, (
            frames - config.patch_size
        ) // config.time_stride + 1

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        embeddings = self.network.embeddings
        patches = embeddings.patch_embeddings(features[:, 0].transpose(1, 2))  # (batch, bands' · steps, size)
        grid = self.grid(features.shape[2], features.shape[3])
        own = self.grid(self.config.num_mel_bins, self.config.max_length)
        positions = resize_positions(embeddings.position_embeddings, own, grid)
        tokens = (embeddings.cls_token, embeddings.distillation_token)
        prefix = [token.expand(patches.shape[0], -1, -1) for token in tokens]  # a shape stays one in a traced graph
        x = torch.cat([*prefix, patches], dim=1) + positions
        for layer in self.network.layers:
            x = layer(x, None)
        x = self.network.layernorm(x)[:, PREFIX_TOKENS:]
        found: Tensor = x.transpose(1, 2).unflatten(2, grid).mean(dim=2)
        return found

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over published weights, their position embeddings interpolated to this window.

        Raises:
            PretrainedWeightsError: if they are of another network, or some are missing.
        """
        tensors = dict(checkpoint.tensors)
        for name in [name for name in tensors if name.endswith("position_embeddings")]:
            for bins, frames in (
                (PUBLISHED_BINS, PUBLISHED_FRAMES),
                (self.config.num_mel_bins, self.config.max_length),
            ):
                published = self.grid(bins, frames)
                if tensors[name].shape[1] == published[0] * published[1] + PREFIX_TOKENS:
                    own = self.grid(self.config.num_mel_bins, self.config.max_length)
                    tensors[name] = resize_positions(tensors[name], published, own)
                    break
        self.network = _load(self.network, tensors, checkpoint.where)


def resize_positions(positions: Tensor, grid: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Return AST's position embeddings (1, 2 + patches, size) of one grid as those of another; prefix tokens stay."""
    if grid == wanted and not torch.onnx.is_in_onnx_export():  # in a graph, windows may have any length
        return positions
    picture = positions[:, PREFIX_TOKENS:].transpose(1, 2).reshape(1, -1, *grid)
    resized = F.interpolate(picture, size=wanted, mode="bilinear", align_corners=False)
    return torch.cat([positions[:, :PREFIX_TOKENS], resized.flatten(2).transpose(1, 2)], dim=1)


class Wav2Vec2(Backbone):
    """Features (batch, samples) at 16 kHz → (batch, size, steps) of 20 ms, by the whole network or its convolutions."""

    takes_spectra = False

    def __init__(self, params: Wav2Vec2Params) -> None:
        super().__init__()
        transformers = _transformers()
        config = transformers.Wav2Vec2Config(
            hidden_size=params.hidden_size,
            num_hidden_layers=params.num_hidden_layers if params.encoder else 1,
            num_attention_heads=params.num_attention_heads,
            intermediate_size=params.intermediate_size,
            conv_dim=tuple(params.conv_dim),
            feat_extract_norm=params.feat_extract_norm,
            do_stable_layer_norm=params.do_stable_layer_norm,
            # its own masks and dropped layers are drawn outside our seeds, and augmentation is ours
            apply_spec_augment=False,
            mask_time_prob=0.0,
            layerdrop=0.0,
        )
        self.encoder = params.encoder
        network = transformers.Wav2Vec2Model(config)
        self.network: Any = network if params.encoder else network.feature_extractor
        self.last_map = nn.Identity()
        self.size = params.hidden_size if params.encoder else params.conv_dim[-1]
        self._config = config

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the convolutions and, of the whole network, the layers."""
        if not self.encoder:
            return blocks_of({f"conv_layers.{number}": layer for number, layer in enumerate(self.network.conv_layers)})
        layers = {f"layers.{number}": layer for number, layer in enumerate(self.network.encoder.layers)}
        first = {name: getattr(self.network, name) for name in ("feature_extractor", "feature_projection")}
        return blocks_of({**first, **layers})

    def checkpoint_gradients(self) -> None:
        """Compute what is inside a layer again for its gradients.

        Raises:
            CheckpointingError: if there are none, only convolutions.
        """
        if not self.encoder:
            super().checkpoint_gradients()
        self.network.gradient_checkpointing_enable({"use_reentrant": False})

    @property
    def gradcam_target(self) -> nn.Module | None:
        """What the convolutions' map passes through; None for the whole network, which has tokens instead."""
        return None if self.encoder else self.last_map

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        if not self.encoder:
            found: Tensor = self.last_map(self.network(features))
            return found
        tokens: Tensor = self.network(features).last_hidden_state
        return tokens.transpose(1, 2)

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over published weights.

        Raises:
            PretrainedWeightsError: if they are of another network, or some are missing.
        """
        whole = self.network if self.encoder else _transformers().Wav2Vec2Model(self._config)
        loaded = _load(whole, checkpoint.tensors, checkpoint.where)
        self.network = loaded if self.encoder else loaded.feature_extractor


def _transformers() -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise MissingPackageError(
            "this model needs the package transformers; install it with `pip install 'instrumentarium[pretrained]'`"
        ) from error
    module: ModuleType = transformers
    return module


def _load(network: Any, tensors: Mapping[str, Tensor], where: str) -> Any:
    """Return a network like `network` with published weights; transformers knows their older names and prefixes."""
    try:
        loaded, report = type(network).from_pretrained(
            None, config=network.config, state_dict=dict(tensors), output_loading_info=True
        )
    except (RuntimeError, ValueError, KeyError) as error:
        raise PretrainedWeightsError(_of_another(where, " ".join(str(error).split())[:200])) from error
    lacking = sorted([*report["missing_keys"], *(str(entry[0]) for entry in report["mismatched_keys"])])
    if lacking:
        raise PretrainedWeightsError(_of_another(where, f"{len(lacking)} tensors do not fit, {lacking[0]} first"))
    return loaded.train()


def _of_another(where: str, reason: str) -> str:
    return (
        f"{where} holds weights of another network ({reason}); give the model's `backbone` in params.yaml the values of "
        "its config.json"
    )
