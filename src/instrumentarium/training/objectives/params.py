"""Parameters of objectives."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from instrumentarium.runtime.section import Positive, Section, Share

Exponent = Annotated[float, Field(ge=0)]


class CrossEntropyParams(Section):
    """Binary cross-entropy over the observed pairs.

    Smoothing pulls targets towards 1/2. `pos_weight` is what a present instrument counts against an absent one; balanced
    is each instrument's ratio of absent to present among the training clips.
    """

    kind: Literal["bce"]
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)]
    pos_weight: Positive | Literal["balanced"]


class FocalParams(Section):
    """Focal loss over the observed pairs; alpha weighs present against absent, null weighs neither."""

    kind: Literal["focal"]
    gamma: Exponent
    alpha: Share | None


class AsymmetricParams(Section):
    """Asymmetric loss over the observed pairs: exponents apart for present and absent, and a margin for absent."""

    kind: Literal["asymmetric"]
    gamma_positive: Exponent
    gamma_negative: Exponent
    margin: Annotated[float, Field(ge=0, lt=1)]


class FamilyParams(Section):
    """Binary cross-entropy of instrument families, whose logits are pooled over their instruments."""

    kind: Literal["family"]
    pooling: Literal["max", "logsumexp"]


class ContrastiveParams(Section):
    """Supervised contrastive loss on the embeddings."""

    kind: Literal["contrastive"]
    temperature: Positive


class TripletParams(Section):
    """Triplet loss on the embeddings; clips that share a family, but no instrument, have a margin of their own."""

    kind: Literal["triplet"]
    margin: Positive
    family_margin: Positive


class ArcFaceParams(Section):
    """ArcFace on the embeddings: the scale of the cosines, and the margin of the right instrument's angle."""

    kind: Literal["arcface"]
    scale: Positive
    margin_degrees: Annotated[float, Field(ge=0, lt=90)]


class CentreParams(Section):
    """Distance of the embeddings to a learned centre of each of their instruments."""

    kind: Literal["centre"]


TermParams = Annotated[
    CrossEntropyParams
    | FocalParams
    | AsymmetricParams
    | FamilyParams
    | ContrastiveParams
    | TripletParams
    | ArcFaceParams
    | CentreParams,
    Field(discriminator="kind"),
]


class WeightedTermParams(Section):
    """One term of a sum."""

    weight: Positive
    loss: TermParams


def _trains_every_logit(terms: dict[str, WeightedTermParams]) -> dict[str, WeightedTermParams]:
    if not any(isinstance(term.loss, CrossEntropyParams | FocalParams | AsymmetricParams) for term in terms.values()):
        raise ValueError(
            "a sum needs a term of kind bce, focal or asymmetric, since the others do not train each logit"
        )
    return terms


class SumParams(Section):
    """The weighted sum of terms, by the name that the training curves give to each."""

    kind: Literal["sum"]
    terms: Annotated[dict[str, WeightedTermParams], AfterValidator(_trains_every_logit)]


LossParams = Annotated[
    CrossEntropyParams | FocalParams | AsymmetricParams | SumParams,
    Field(discriminator="kind"),
]
"""What can be trained by alone."""
LOSS: TypeAdapter[LossParams] = TypeAdapter(LossParams)
