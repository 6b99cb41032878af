"""From parameters to a backbone."""

from instrumentarium.models.backbones.base import Backbone
from instrumentarium.models.backbones.cnn import Cnn
from instrumentarium.models.backbones.image import ImageNetwork, PretrainedWeightsError
from instrumentarium.models.backbones.waveform_cnn import WaveformCnn
from instrumentarium.models.params import CnnParams, TimmParams, WaveformCnnParams


def build_backbone(
    params: CnnParams | TimmParams | WaveformCnnParams, channels: int = 1, *, pretrained: bool = False
) -> Backbone:
    """Return a backbone whose weights are drawn from torch's global generator, or pretrained where asked and possible.

    Args:
        params: of the backbone.
        channels: of the features that it takes.
        pretrained: whether it starts from published weights.

    Raises:
        UnknownArchitectureError: if timm has no such architecture.
        PretrainedWeightsError: if pretrained weights are asked for and there are none, or they cannot be fetched.
    """
    if isinstance(params, TimmParams):
        return ImageNetwork(params.architecture, channels, pretrained=pretrained)
    if pretrained:
        raise PretrainedWeightsError(
            f"backbone.kind {params.kind} has no pretrained weights; set `pretrained: false` in its recipe"
        )
    return Cnn(params.channels, channels) if isinstance(params, CnnParams) else WaveformCnn(params.channels)
