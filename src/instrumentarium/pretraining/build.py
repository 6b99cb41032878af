"""From parameters to a pretext task."""

from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.pretraining.contrastive import Contrastive
from instrumentarium.pretraining.masked import MaskedPatches
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.pretraining.patch_shuffle import PatchShuffleDetection
from instrumentarium.pretraining.patches import grid_of
from instrumentarium.pretraining.pretext import Pretext


def build_pretext(params: PretrainingParams, backbone: Backbone, shape: FeatureShape) -> Pretext:
    """Return the pretext task of a backbone, whose own weights are drawn from torch's global generator.

    Args:
        params: of pre-training.
        backbone: that is trained.
        shape: of the features of one window.

    Raises:
        PatchError: if the method needs patches, and none can be cut from such features.
    """
    if params.method == "contrastive":
        return Contrastive(backbone, temperature=params.temperature)
    grid = grid_of(shape, params.patch_bands, params.patch_frames)
    if params.method == "patch_shuffle":
        return PatchShuffleDetection(backbone, shape, grid, share=params.share)
    return MaskedPatches(
        backbone,
        shape,
        grid,
        share=params.share,
        temperature=params.temperature,
        discriminative_weight=params.discriminative_weight,
        generative_weight=params.generative_weight,
    )
