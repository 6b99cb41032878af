"""Mixup of features (Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization, ICLR 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.training.augment.base import Augmentation, Domain, happens
from instrumentarium.training.augment.labels import union
from instrumentarium.training.augment.params import MixupParams


@dataclass(frozen=True)
class MixupDraw:
    """What each clip is mixed with."""

    partner: Tensor  # (batch,) index of the other clip
    share: Tensor  # (batch,) of the clip itself, 1 where it is not mixed


def draw_beta(alpha: float, batch: int, generator: torch.Generator) -> Tensor:
    """Draw (batch,) from Beta(alpha, alpha), as the share of one of two gamma deviates."""
    one, two = (torch._standard_gamma(torch.full((batch,), alpha, dtype=torch.float64), generator) for _ in range(2))
    total = one + two  # both may be 0 where alpha is tiny; then either of the ends is as likely
    ends = (torch.rand(batch, generator=generator) < 0.5).double()
    return torch.where(total > 0, one / total, ends).float()


class Mixup(Augmentation):
    """Convex combinations of two clips' features, and of their labels as the parameters say."""

    domain: Domain = "features"

    def __init__(self, params: MixupParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> MixupDraw:
        """Draw for a batch; a clip whose partner would be itself is not mixed."""
        batch = shape[0]
        chosen = happens(self.params.probability, batch, generator)
        partner = torch.randperm(batch, generator=generator)
        share = draw_beta(self.params.alpha, batch, generator)
        return MixupDraw(partner, torch.where(chosen & (partner != torch.arange(batch)), share, 1.0))

    def apply(self, x: Tensor, draw: MixupDraw) -> Tensor:
        """Return the mixed features, (batch, ...)."""
        share = draw.share.to(x.device).view(-1, *[1] * (x.ndim - 1))
        mixed = share * x + (1 - share) * x[draw.partner.to(x.device)]
        return torch.where(share < 1, mixed, x)

    def unite(self, targets: Tensor, observed: Tensor, draw: MixupDraw) -> tuple[Tensor, Tensor]:
        """Return targets and observed, both (batch, instruments), of the mixed clips.

        What is unknown in one of the clips is known of both only where the union knows it whatever the shares are. A share
        of a present and an unknown instrument is a number that nobody knows, so it is unobserved.
        """
        partner = draw.partner.to(targets.device)
        share = draw.share.to(targets)[:, None]
        pairs = torch.stack([targets, targets[partner]], dim=1), torch.stack([observed, observed[partner]], dim=1)
        if self.params.labels == "union":
            mixed, known = union(*pairs)
        else:
            mixed = share * targets + (1 - share) * targets[partner]
            if self.params.labels == "soft_union":
                mixed = (2 * mixed).clamp(max=1)
            known = observed * observed[partner]
            mixed = mixed * known
        alone = share == 1
        return torch.where(alone, targets, mixed), torch.where(alone, observed, known)
