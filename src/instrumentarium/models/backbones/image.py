"""Image networks of timm over spectrograms, with ImageNet weights where they are asked for.

Source: Wightman: PyTorch Image Models, github.com/huggingface/pytorch-image-models.
"""

import difflib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, BandMean
from instrumentarium.runtime.errors import UserError


class PretrainedWeightsError(UserError, RuntimeError):
    """Pretrained weights were asked for and cannot be had."""


class ImageNetwork(Backbone):
    """Features (batch, channels, bands, frames) → (batch, size, steps), by a network of timm; bands are averaged.

    The first layer's weights are summed over the colours for one channel, and are as they are for three (timm does so).
    """

    def __init__(self, architecture: str, channels: int = 1, *, pretrained: bool) -> None:
        """Build the network.

        Raises:
            UnknownArchitectureError: if timm has no such architecture, or one without a map over bands and frames.
            PretrainedWeightsError: if the weights cannot be fetched.
        """
        super().__init__()
        import timm

        check_architecture(architecture)
        # a vision transformer is built for one size of picture unless it is told to take any
        any_size: dict[str, Any] = (
            {"dynamic_img_size": True, "dynamic_img_pad": True} if is_transformer(architecture) else {}
        )
        try:
            self.network = timm.create_model(
                architecture, pretrained=pretrained, in_chans=channels, num_classes=0, **any_size
            )
        except Exception as error:
            if not pretrained:
                raise
            reason = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
            raise PretrainedWeightsError(
                f"the pretrained weights of {architecture} could not be fetched from the hub ({reason}). Connect "
                "this machine to it once (the weights are kept in HF_HOME), or train from scratch: set "
                "`pretrained: false` in the model's recipe in params.yaml"
            ) from error
        self.band_mean = BandMean()
        self.size = int(self.network.num_features)  # type: ignore[arg-type]

    @property
    def gradcam_target(self) -> nn.Module | None:
        """The mean over bands, whose input is the last feature map; None for transformers, which have tokens instead."""
        return None if self.patch_grid is not None else self.band_mean

    @property
    def patch_grid(self) -> "Callable[[tuple[int, int]], tuple[int, int]] | None":
        """For a plain vision transformer: from (bands, frames) to the grid of its patches. None for others."""
        embedding = getattr(self.network, "patch_embed", None)
        return getattr(embedding, "dynamic_feat_size", None) if hasattr(self.network, "num_prefix_tokens") else None

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        x = self.network.forward_features(features.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
        if self.patch_grid is not None:
            bands, frames = self.patch_grid((features.shape[2], features.shape[3]))
            patches = x[:, self.network.num_prefix_tokens :]  # (batch, bands · frames, size)
            x = patches.transpose(1, 2).unflatten(2, (bands, frames))
        elif getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            x = x.permute(0, 3, 1, 2)
        if x.ndim != 4:
            raise UnknownArchitectureError(
                f"architecture: the features of this network, {tuple(x.shape)}, are no map over bands and frames; choose "
                "a convolutional network or a plain vision transformer"
            )
        embeddings: Tensor = self.band_mean(x)
        return embeddings


def is_transformer(architecture: str) -> bool:
    """Return whether timm builds this architecture as a plain vision transformer (ViT, DeiT and their kin)."""
    import timm

    return str(timm.model_entrypoint(architecture).__module__) == "timm.models.vision_transformer"


class UnknownArchitectureError(UserError, ValueError):
    """timm has no network of this name."""


def check_architecture(architecture: str) -> None:
    """Make sure that timm knows `architecture`.

    Raises:
        UnknownArchitectureError: if it does not; the message names the closest ones it does.
    """
    import timm

    known = timm.list_models()
    if architecture not in known:
        close = difflib.get_close_matches(architecture, known, n=5, cutoff=0.4)
        raise UnknownArchitectureError(
            f"architecture: timm has no {architecture!r}; closest: {', '.join(close) or 'none'} "
            "(all of them: python -c 'import timm; print(timm.list_models())')"
        )
