"""EfficientAT's MobileNets: MobileNetV3-Large on one channel, distilled on AudioSet from an ensemble of transformers.

The network is torchvision's, with a sigmoid where that has a hard one. A published file holds the same tensors; those of
the squeeze-and-excitation are linear layers there, under another name.

Source: Schmid, Koutini, Widmer: Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation, ICASSP
2023; github.com/fschmid56/EfficientAT.
"""

from typing import Any

from torch import Tensor, nn

from instrumentarium.models.backbones.base import Backbone, BandMean, Block, FeatureShape, blocks_of
from instrumentarium.models.params import EfficientAtParams
from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError

PUBLISHED_SQUEEZE = ".conc_se_layers.0."
"""What the published names have where a squeeze-and-excitation begins."""
CLASSIFIER = "classifier."
MOMENTUM = 0.1
"""Of the norms' statistics: torch's usual one. The published 0.01 is for hundreds of thousands of steps."""


class EfficientAt(Backbone):
    """Features (batch, channels, bands, frames) → (batch, size, frames / 32); bands are averaged."""

    def __init__(self, params: EfficientAtParams, shape: FeatureShape) -> None:
        from torchvision.models import (
            mobilenet_v3_large,  # loading it takes a second, which every other model is spared
        )
        from torchvision.ops import SqueezeExcitation

        super().__init__()
        features = mobilenet_v3_large(weights=None, width_mult=params.width).features
        first: Any = features[0][0]
        features[0][0] = nn.Conv2d(shape[0], first.out_channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(features[0][0].weight, mode="fan_out")
        for module in features.modules():
            if isinstance(module, SqueezeExcitation):
                module.scale_activation = nn.Sigmoid()
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = MOMENTUM
        self.features = features
        self.band_mean = BandMean()
        self.size = int(features[-1].out_channels)

    @property
    def gradcam_target(self) -> nn.Module:
        """The mean over bands, whose input is the last feature map."""
        return self.band_mean

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the first convolution, the inverted residuals, the last convolution."""
        return blocks_of({f"features.{number}": block for number, block in enumerate(self.features)})

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step."""
        embeddings: Tensor = self.band_mean(self.features(features))
        return embeddings

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over published weights but those of the classifier.

        Raises:
            PretrainedWeightsError: if they are of another network, or some are missing.
        """
        own, tensors = self.state_dict(), {}
        for name, tensor in checkpoint.tensors.items():
            if not name.startswith(CLASSIFIER):
                ours = name.replace(PUBLISHED_SQUEEZE, ".")
                linear = ours != name and tensor.ndim == 2
                tensors[ours] = tensor[:, :, None, None] if linear else tensor
        try:
            self.load_state_dict(tensors)
        except RuntimeError as error:
            first = "features.0.0.weight"
            channels = own[first].shape[1]
            hint = f"; they are of one channel, the front end makes {channels}" if channels > 1 else ""
            raise PretrainedWeightsError(
                f"{checkpoint.where} holds weights of another network ({' '.join(str(error).split())[:200]}); give the "
                f"model's `backbone.width` their value (1 for mn10, 0.4 for mn04, and so on){hint}"
            ) from error
