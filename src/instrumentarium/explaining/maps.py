"""Where in a spectrogram the evidence for an instrument lies.

Grad-CAM (Selvaraju et al.: Grad-CAM: Visual Explanations from Deep Networks, ICCV 2017) weighs the channels of the last
convolutional feature map by the mean gradient of the instrument's logit. Integrated gradients (Sundararajan et al.:
Axiomatic Attribution for Deep Networks, ICML 2017) add up, over a straight path from a baseline to the features, what each
cell of the spectrogram changes in the logit. The baseline is the mean of every band over the training clips: 0 once
normalised. Both depend on the trained weights, which other maps do not (Adebayo et al.: Sanity Checks for Saliency Maps,
NeurIPS 2018). Both are computed by captum (Kokhlikyan et al. 2020). Transformers: `instrumentarium.explaining.attention`.

A head's attention over time is a map without frequencies, and so are maps of networks over the raw waveform and over
cepstral coefficients. Over several channels of features, evidence is summed.

Features are normalised, (batch, channels, bands, frames) or (batch, samples); instruments are columns, (batch,); maps are
(batch, bands, frames) of the spectrogram that is shown.
"""

from typing import TYPE_CHECKING, Literal

import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from instrumentarium.explaining.errors import NoAttentionError, NoFeatureMapError
from instrumentarium.explaining.params import MethodChoice
from instrumentarium.models.backbones.image import ImageNetwork
from instrumentarium.models.heads.attention import AttentionHead
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
        return self.model.classify(features).logits


def choose_method(model: RecognitionModel, wanted: MethodChoice) -> Method:
    """Return the method to use.

    Raises:
        NoFeatureMapError: if Grad-CAM is wanted and the backbone has no convolutional feature map.
        NoAttentionError: if attention maps are wanted, and neither head nor backbone has attention that can be read.
    """
    has_map = model.backbone.gradcam_target is not None
    has_attention = isinstance(model.head, AttentionHead) or transformer_of(model) is not None
    if wanted == "gradcam" and not has_map:
        raise NoFeatureMapError(
            "explain.method is gradcam, but the model's backbone ends without a convolutional feature map; "
            "set explain.method to gradients or auto"
        )
    if wanted == "attention" and not has_attention:
        raise NoAttentionError(
            "explain.method is attention, but the model has neither an attention head nor a vision transformer, whose "
            "attention could be read; set explain.method to gradcam, gradients or auto"
        )
    if wanted != "auto":
        return wanted
    if has_map:
        return "gradcam"
    return "attention" if has_attention else "gradients"


def transformer_of(model: RecognitionModel) -> "VisionTransformer | None":
    """Return the part of the model whose attention can be read; None if there is none."""
    if not isinstance(model.backbone, ImageNetwork):
        return None
    from timm.models.vision_transformer import VisionTransformer  # takes seconds, which other networks need not wait

    network = model.backbone.network
    return network if isinstance(network, VisionTransformer) else None


def evidence(
    model: RecognitionModel, features: Tensor, instruments: Tensor, method: Method, size: tuple[int, int]
) -> Tensor:
    """Return the evidence for `instruments`, from 0 to 1, the largest in each map; what speaks against them counts 0.

    A map without any evidence is 0 throughout; one without frequencies is the same in all bands.

    Args:
        model: in evaluation mode.
        features: normalised.
        instruments: columns, (batch,).
        method: as `choose_method` gives it.
        size: (bands, frames) of the spectrogram that is shown.
    """
    network = FeaturesToLogits(model).eval()
    if method == "gradcam":
        target = model.backbone.gradcam_target
        assert target is not None
        found = grad_cam(network, target, features, instruments)
    elif method == "attention" and isinstance(model.head, AttentionHead):
        found = time_attention(model, features, instruments)
    elif method == "attention":
        from instrumentarium.explaining.attention import attention_map  # needs timm

        transformer = transformer_of(model)
        assert transformer is not None
        found = attention_map(network, transformer, features, instruments)
    else:
        found = integrated_gradients(network, features, instruments)
    if model.frontend.axes is None:  # rows of coefficients lie at no frequency
        found = found.mean(dim=1, keepdim=True)
    positive = resized(found.clamp(min=0), size)
    return positive / positive.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(positive.dtype).tiny)


def resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return maps (batch, bands', frames') as (batch, bands, frames): bilinear, by the mean where there are more frames."""
    if maps.shape[2] > size[1]:
        maps = F.adaptive_avg_pool2d(maps, (maps.shape[1], size[1]))
    if tuple(maps.shape[1:]) == size:
        return maps
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def time_attention(model: RecognitionModel, features: Tensor, instruments: Tensor) -> Tensor:
    """Return how an attention head weighs the steps for each instrument, (batch, 1, steps)."""
    with torch.no_grad():
        attention = model.classify(features).attention
    assert attention is not None
    return attention.take_along_dim(instruments[:, None, None], dim=1)


def grad_cam(network: nn.Module, target: nn.Module, features: Tensor, instruments: Tensor) -> Tensor:
    """Return Grad-CAM of the feature map that `target` takes in, (batch, bands', frames') or (batch, 1, steps).

    Args:
        network: features → logits.
        target: a layer of it whose input is (batch, channels, bands', frames') or (batch, channels, steps).
        features: to be explained.
        instruments: whose logits are to be explained.
    """
    attribution: Tensor = LayerGradCam(network, target).attribute(
        features, target=instruments, attribute_to_layer_input=True, relu_attributions=True
    )
    attribution = attribution.detach()  # (batch, 1, bands', frames') or (batch, 1, steps)
    return attribution[:, 0] if attribution.ndim == 4 else attribution


def integrated_gradients(network: nn.Module, features: Tensor, instruments: Tensor, steps: int = STEPS) -> Tensor:
    """Return each cell's part, of either sign, in the logit's difference from the baseline's; the parts add up to it.

    The result is (batch, bands, frames), channels summed, or (batch, 1, samples).
    """
    attribution: Tensor = IntegratedGradients(network).attribute(
        features, baselines=torch.zeros_like(features), target=instruments, n_steps=steps, internal_batch_size=steps
    )
    attribution = attribution.detach().to(features.dtype)
    return attribution.sum(dim=1) if attribution.ndim == 4 else attribution[:, None]
