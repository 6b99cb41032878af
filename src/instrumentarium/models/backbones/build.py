"""From parameters to a backbone."""

from instrumentarium.models.backbones.base import Backbone, FeatureShape, UnfitShapeError
from instrumentarium.models.backbones.beats import Beats
from instrumentarium.models.backbones.cnn import Cnn
from instrumentarium.models.backbones.efficientat import EfficientAt
from instrumentarium.models.backbones.image import ImageNetwork, find_layout
from instrumentarium.models.backbones.recurrent import Crnn, Lstm
from instrumentarium.models.backbones.transformers import Ast, Wav2Vec2
from instrumentarium.models.backbones.waveform_cnn import WaveformCnn
from instrumentarium.models.params import (
    USUAL_WEIGHTS,
    AstParams,
    BackboneParams,
    BeatsParams,
    CnnParams,
    CrnnParams,
    EfficientAtParams,
    LstmParams,
    Pretrained,
    TimmParams,
    Wav2Vec2Params,
    WaveformCnnParams,
    lacks_weights,
)
from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError, read_weights


def build_backbone(params: BackboneParams, shape: FeatureShape, *, pretrained: Pretrained = False) -> Backbone:
    """Return a backbone whose weights are drawn from torch's global generator, or pretrained where asked and possible.

    Args:
        params: of the backbone.
        shape: of the features of one window, of the kind that it takes.
        pretrained: whether it starts from published weights, and from which.

    Raises:
        UnknownArchitectureError: if timm has no such architecture, or it takes no features of this shape.
        MissingPackageError: if the package that it needs is not installed.
        PretrainedWeightsError: if pretrained weights are asked for and there are none, they cannot be fetched, or they are
            of another network.
    """
    if isinstance(params, TimmParams) and pretrained is True:
        return ImageNetwork(params.architecture, shape, pretrained=True)
    if (lacking := lacks_weights(params, pretrained)) is not None:
        raise PretrainedWeightsError(lacking)
    if not isinstance(params, TimmParams):  # which checks it when it is built
        check_shape(params, shape)
    backbone = _new(params, shape)
    if pretrained is not False:
        load_pretrained(backbone, read_weights(USUAL_WEIGHTS[params.kind] if pretrained is True else pretrained))
    return backbone


def load_pretrained(backbone: Backbone, checkpoint: Checkpoint) -> None:
    """Give a backbone the weights of an earlier experiment, or published ones under their own names.

    Raises:
        PretrainedWeightsError: if they are of another network.
    """
    if not checkpoint.ours:
        backbone.load_published(checkpoint)
        return
    try:
        backbone.load_state_dict(checkpoint.of_backbone)
    except RuntimeError as error:
        raise PretrainedWeightsError(
            f"{checkpoint.where} was trained with another backbone ({' '.join(str(error).split())[:160]}); choose the "
            "`model` of that experiment, or other weights"
        ) from error


def check_shape(params: BackboneParams, shape: FeatureShape) -> bool:
    """Make sure that a backbone takes features of this shape, without building it; return if larger ones fit as well.

    Raises:
        UnfitShapeError: saying what it takes.
        UnknownArchitectureError: if it is of timm, and timm has no such architecture, or it takes no such spectrograms.
    """
    if isinstance(params, TimmParams):
        return find_layout(params.architecture, shape).padded is None
    if isinstance(params, AstParams | BeatsParams):
        if shape[0] != 1:
            raise UnfitShapeError(f"backbone {params.kind} takes one channel, and the front end makes {shape[0]}")
        if min(shape[1:]) < params.patch_size:
            raise UnfitShapeError(
                f"backbone {params.kind} has patches of {params.patch_size} bands and frames, and a window has only "
                f"{shape[1]} bands and {shape[2]} frames; choose another `frontend`, or longer windows"
            )
    return True


def _new(params: BackboneParams, shape: FeatureShape) -> Backbone:
    match params:
        case CnnParams():
            return Cnn(params.channels, shape[0])
        case TimmParams():
            return ImageNetwork(params.architecture, shape, pretrained=False)
        case WaveformCnnParams():
            return WaveformCnn(params.channels)
        case LstmParams():
            return Lstm(shape, params.hidden, params.layers, bidirectional=params.bidirectional, dropout=params.dropout)
        case CrnnParams():
            return Crnn(shape, params.channels, params.hidden, params.layers, params.dropout)
        case EfficientAtParams():
            return EfficientAt(params, shape)
        case AstParams():
            return Ast(params, shape)
        case BeatsParams():
            return Beats(params, shape)
        case Wav2Vec2Params():
            return Wav2Vec2(params)
