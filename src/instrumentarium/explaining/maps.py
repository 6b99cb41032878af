"""Where in a spectrogram the evidence for an instrument lies.

Grad-CAM (Selvaraju et al.: Grad-CAM: Visual Explanations from Deep Networks, ICCV 2017) weighs the channels of the last
convolutional feature map by the mean gradient of the instrument's logit. Integrated gradients (Sundararajan et al.:
Axiomatic Attribution for Deep Networks, ICML 2017) add up, over a straight path from a baseline to the features, what each
cell of the spectrogram changes in the logit. The baseline is the mean of every band over the training clips: 0 once
normalised. Both depend on the trained weights, which other maps do not (Adebayo et al.: Sanity Checks for Saliency Maps,
NeurIPS 2018). Both are computed by captum (Kokhlikyan et al. 2020). Transformers: `instrumentarium.explaining.attention`.

Features are normalised, (batch, 1, bands, frames); instruments are columns, (batch,); maps are (batch, bands, frames).
"""

from typing import TYPE_CHECKING, Literal

import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from instrumentarium.explaining.errors import NoAttentionError, NoFeatureMapError
from instrumentarium.explaining.params import MethodChoice
from instrumentarium.models.backbones.image import ImageNetwork
from instrumentarium.models.recognition import RecognitionModel

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

Method = Literal["gradcam", "attention", "gradients"]

STEPS = 32
"""Points on the path of integrated gradients; Sundararajan et al. find 20 to 300 enough."""


class FeaturesToLogits(nn.Module):
    """The part of a model behind its normalisation: features → logits (batch, instruments)."""

    def __init__(self, model: RecognitionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        return self.model.classify(self.model.embed(features))


def choose_method(model: RecognitionModel, wanted: MethodChoice) -> Method:
    """Return the method to use.

    Raises:
        NoFeatureMapError: if Grad-CAM is wanted and the network has no convolutional feature map.
        NoAttentionError: if attention maps are wanted and the network is no transformer.
    """
    has_map = model.backbone.map_reader is not None
    if wanted == "gradcam" and not has_map:
        raise NoFeatureMapError(
            "explain.method is gradcam, but the model's network ends without a convolutional feature map; "
            "set explain.method to gradients or auto"
        )
    if wanted == "attention" and transformer_of(model) is None:
        raise NoAttentionError(
            "explain.method is attention, but the model's network is no vision transformer, whose attention could be read; "
            "set explain.method to gradcam, gradients or auto"
        )
    if wanted != "auto":
        return wanted
    if has_map:
        return "gradcam"
    return "gradients" if transformer_of(model) is None else "attention"


def transformer_of(model: RecognitionModel) -> "VisionTransformer | None":
    """Return the part of the model whose attention can be read; None if there is none."""
    if not isinstance(model.backbone, ImageNetwork):
        return None
    from timm.models.vision_transformer import VisionTransformer  # takes seconds, which other networks need not wait

    network = model.backbone.network
    return network if isinstance(network, VisionTransformer) else None


def evidence(model: RecognitionModel, features: Tensor, instruments: Tensor, method: Method) -> Tensor:
    """Return the evidence for `instruments`, from 0 to 1, the largest in each map; what speaks against them counts 0.

    A map without any evidence is 0 throughout.
    """
    network = FeaturesToLogits(model).eval()
    if method == "gradcam":
        reader = model.backbone.map_reader
        assert reader is not None
        found = grad_cam(network, reader, features, instruments)
    elif method == "attention":
        from instrumentarium.explaining.attention import attention_map  # needs timm

        transformer = transformer_of(model)
        assert transformer is not None
        found = attention_map(network, transformer, features, instruments)
    else:
        found = integrated_gradients(network, features, instruments)
    positive = found.clamp(min=0)
    return positive / positive.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(positive.dtype).tiny)


def grad_cam(network: nn.Module, map_reader: nn.Module, features: Tensor, instruments: Tensor) -> Tensor:
    """Return Grad-CAM of the feature map that `map_reader` takes in, bilinearly brought to the features' size.

    Args:
        network: features → logits.
        map_reader: a layer of it whose input is (batch, channels, bands', frames').
        features: to be explained.
        instruments: whose logits are to be explained.
    """
    attribution = LayerGradCam(network, map_reader).attribute(
        features, target=instruments, attribute_to_layer_input=True, relu_attributions=True
    )  # (batch, 1, bands', frames')
    resized = F.interpolate(attribution.detach(), size=features.shape[2:], mode="bilinear", align_corners=False)
    return resized[:, 0]


def integrated_gradients(network: nn.Module, features: Tensor, instruments: Tensor, steps: int = STEPS) -> Tensor:
    """Return each cell's part, of either sign, in the logit's difference from the baseline's; the parts add up to it."""
    attribution: Tensor = IntegratedGradients(network).attribute(
        features, baselines=torch.zeros_like(features), target=instruments, n_steps=steps, internal_batch_size=steps
    )
    return attribution.detach()[:, 0].to(features.dtype)
