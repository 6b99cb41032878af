"""An auxiliary loss over instrument families: an oboe taken for a clarinet is wrong, but not as wrong as for a drum."""

from collections import Counter
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.runtime.errors import UserError
from instrumentarium.training.objectives.base import Objective, observed_mean


class FamilyError(UserError, ValueError):
    """The taxonomy has no family of several instruments."""


def family_members(families: Sequence[str]) -> Tensor:
    """Return (families, instruments), true for members, of the families with several instruments in alphabetical order.

    Args:
        families: each instrument's; "" is none.

    Raises:
        FamilyError: if there is no such family.
    """
    several = sorted(name for name, count in Counter(families).items() if name and count > 1)
    if not several:
        raise FamilyError(
            f"no family has several instruments; the taxonomy's {len(families)} instruments are of "
            f"{', '.join(sorted(set(families) - {''})) or 'no family'}; choose a `loss` without families"
        )
    return torch.tensor([[family == name for family in families] for name in several])


def family_labels(targets: Tensor, observed: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Return targets and observed of families, both (batch, families), from those of (batch, instruments).

    A family is present where a member is known to play, absent where all members are known not to; else it is unknown.
    """
    present = ((targets * observed) @ members.T.to(targets)) > 0
    complete = ((1 - observed) @ members.T.to(observed)) == 0
    return present, present | complete


class FamilyCrossEntropy(Objective):
    """Binary cross-entropy averaged over the observed pairs of clip and family.

    A family's logit is the maximum, or the logarithm of summed exponentials, of its members'. Families of one
    instrument say nothing new and take no part.
    """

    members: Tensor

    def __init__(self, families: Sequence[str], pooling: str) -> None:
        super().__init__()
        self.pooling = pooling
        self.register_buffer("members", family_members(families))

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term."""
        logits = output.logits.float().unsqueeze(1)  # (batch, 1, instruments)
        logits = logits.masked_fill(~self.members, -torch.inf)  # (batch, families, instruments)
        pooled = logits.amax(dim=2) if self.pooling == "max" else logits.logsumexp(dim=2)
        present, known = family_labels(targets, observed, self.members)
        losses = F.binary_cross_entropy_with_logits(pooled, present.float(), reduction="none")
        return {"family": observed_mean(losses, known)}
