"""From parameters to an objective."""

from instrumentarium.training.objectives.asymmetric import AsymmetricLoss
from instrumentarium.training.objectives.base import Objective, TrainingLabels
from instrumentarium.training.objectives.cross_entropy import MaskedBinaryCrossEntropy, balanced_weights
from instrumentarium.training.objectives.family import FamilyCrossEntropy
from instrumentarium.training.objectives.focal import FocalLoss
from instrumentarium.training.objectives.metric_learning import ContrastiveLoss, TripletLoss
from instrumentarium.training.objectives.params import (
    ArcFaceParams,
    AsymmetricParams,
    CentreParams,
    ContrastiveParams,
    CrossEntropyParams,
    FamilyParams,
    FocalParams,
    LossParams,
    SumParams,
    TermParams,
    TripletParams,
)
from instrumentarium.training.objectives.proxies import ArcFaceObjective, CentreObjective
from instrumentarium.training.objectives.weighted_sum import WeightedSum


def build_objective(params: LossParams | TermParams, labels: TrainingLabels, embedding_size: int) -> Objective:
    """Return the objective that `params` describe, for training clips with these labels and embeddings of this size.

    Raises:
        FamilyError: if families are asked for, and none has several instruments.
    """
    match params:
        case CrossEntropyParams():
            return MaskedBinaryCrossEntropy(params.label_smoothing, _pos_weight(params.pos_weight, labels))
        case FocalParams():
            return FocalLoss(params.gamma, params.alpha)
        case AsymmetricParams():
            return AsymmetricLoss(params.gamma_positive, params.gamma_negative, params.margin)
        case FamilyParams():
            return FamilyCrossEntropy(labels.families, params.pooling)
        case ContrastiveParams():
            return ContrastiveLoss(params.temperature)
        case TripletParams():
            return TripletLoss(labels.families, params.margin, params.family_margin)
        case ArcFaceParams():
            return ArcFaceObjective(len(labels.families), embedding_size, params.scale, params.margin_degrees)
        case CentreParams():
            return CentreObjective(len(labels.families), embedding_size)
        case SumParams():
            return WeightedSum(
                {name: build_objective(term.loss, labels, embedding_size) for name, term in params.terms.items()},
                {name: term.weight for name, term in params.terms.items()},
            )


def _pos_weight(pos_weight: float | str, labels: TrainingLabels) -> list[float] | None:
    if isinstance(pos_weight, str):
        return balanced_weights(labels)
    return None if pos_weight == 1 else [pos_weight] * len(labels.families)
