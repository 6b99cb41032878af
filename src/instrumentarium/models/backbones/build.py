"""From parameters to a backbone."""

from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.models.backbones.cnn import Cnn
from instrumentarium.models.backbones.image import ImageNetwork, PretrainedWeightsError
from instrumentarium.models.backbones.waveform_cnn import WaveformCnn
from instrumentarium.models.params import BackboneParams, CnnParams, TimmParams


def build_backbone(params: BackboneParams, shape: FeatureShape, *, pretrained: bool = False) -> Backbone:
    """Return a backbone whose weights are drawn from torch's global generator, or pretrained where asked and possible.

    Args:
        params: of the backbone.
        shape: of the features of one window, of the kind that it takes.
        pretrained: whether it starts from published weights.

    Raises:
        UnknownArchitectureError: if timm has no such architecture, or it takes no features of this shape.
        PretrainedWeightsError: if pretrained weights are asked for and there are none, or they cannot be fetched.
    """
    if isinstance(params, TimmParams):
        return ImageNetwork(params.architecture, shape, pretrained=pretrained)
    if pretrained:
        raise PretrainedWeightsError(
            f"backbone.kind {params.kind} has no pretrained weights; set `pretrained: false` in its recipe"
        )
    return Cnn(params.channels, shape[0]) if isinstance(params, CnnParams) else WaveformCnn(params.channels)
