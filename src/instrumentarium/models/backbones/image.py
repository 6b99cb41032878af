"""Image networks of timm over spectrograms, with ImageNet weights where they are asked for.

Source: Wightman: PyTorch Image Models, github.com/huggingface/pytorch-image-models.
"""

import difflib
from typing import Any

from torch import Tensor, nn

from instrumentarium.runtime.errors import UserError


class PretrainedWeightsError(UserError, RuntimeError):
    """Pretrained weights were asked for and cannot be had."""


class ImageNetwork(nn.Module):
    """Features (batch, 1, bands, frames) → embeddings (batch, embedding_size), by a network of timm.

    The first layer's weights are summed over the colours (timm does so for one input channel).
    """

    def __init__(self, architecture: str, *, pretrained: bool) -> None:
        """Build the network.

        Raises:
            UnknownArchitectureError: if timm has no such architecture.
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
            self.network = timm.create_model(architecture, pretrained=pretrained, in_chans=1, num_classes=0, **any_size)
        except Exception as error:
            if not pretrained:
                raise
            reason = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
            raise PretrainedWeightsError(
                f"the pretrained weights of {architecture} could not be fetched from the hub ({reason}). Connect "
                "this machine to it once (the weights are kept in HF_HOME), or train from scratch: set "
                "`pretrained: false` in the model's recipe in params.yaml"
            ) from error
        # Some networks (MobileNetV3) widen their features once more behind the pooling.
        self.embedding_size = int(getattr(self.network, "head_hidden_size", None) or self.network.num_features)  # type: ignore[arg-type]

    @property
    def map_reader(self) -> nn.Module | None:
        """Return the layer whose input is the last feature map, (batch, channels, bands, frames): the global pooling.

        None for networks that pool something else, such as the tokens of a transformer.
        """
        from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d

        layers = [layer for layer in self.network.modules() if isinstance(layer, SelectAdaptivePool2d)]
        over_maps = [layer for layer in layers if tuple(getattr(layer.pool, "dim", (2, 3))) == (2, 3)]
        return over_maps[-1] if over_maps else None

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings."""
        embeddings: Tensor = self.network(features)
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
