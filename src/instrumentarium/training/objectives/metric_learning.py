"""Losses on embeddings: clips of the same instruments should lie close together, of others apart.

Clips have several instruments, or unknown ones. So two clips are a *positive* pair where their instruments agree by a
Jaccard index of at least one half, a *negative* pair where they share none, and else neither: it takes no part. Instruments
count that are observed of both; two clips without any instrument are neither.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective

LEAST_JACCARD = 0.5


def clip_pairs(targets: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Return which pairs of clips are positive and which negative, both (batch, batch); no clip is paired with itself."""
    seen = observed.float()
    present = targets.float() * seen
    both = present @ present.T  # instruments that both have
    one = present @ (seen - present).T  # that the first has, and the second has not
    either = both + one + one.T
    other = ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    positive = (either > 0) & (both >= LEAST_JACCARD * either) & other
    negative = (either > 0) & (both == 0) & other
    return positive, negative


class ContrastiveLoss(Objective):
    """Supervised contrastive loss over the positive and negative pairs, averaged over clips with a positive one.

    Khosla, Teterwak, Wang, Sarna, Tian, Isola, Maschinot, Liu, Krishnan: Supervised contrastive learning, NeurIPS 2020.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term; 0 without a positive pair."""
        embeddings = F.normalize(output.embedding.float(), dim=1)
        positive, negative = clip_pairs(targets, observed)
        similarity = embeddings @ embeddings.T / self.temperature  # (batch, batch)
        count = positive.sum(dim=1)
        anchors = count > 0
        # A finite number in place of -inf: rows without any pair would have no gradient, but NaN.
        total = similarity.masked_fill(~(positive | negative), -1e9).logsumexp(dim=1, keepdim=True)
        losses = -((similarity - total) * positive).sum(dim=1) / count.clamp(min=1)
        return {"contrastive": (losses * anchors).sum() / anchors.sum().clamp(min=1)}


class TripletLoss(Objective):
    """max(d(clip, positive) − d(clip, negative) + margin, 0), averaged over the triplets in which it is above 0.

    d is 1 − cosine. The families are soft distances: a negative that shares a family with the clip need only be
    `family_margin` further away than a positive.

    Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015.
    """

    same_family: Tensor

    def __init__(self, families: Sequence[str], margin: float, family_margin: float) -> None:
        super().__init__()
        self.margin, self.family_margin = margin, family_margin
        same = [[one == other and one != "" for other in families] for one in families]
        self.register_buffer("same_family", torch.tensor(same, dtype=torch.float32))

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean loss as the only term; 0 where no triplet violates its margin."""
        embeddings = F.normalize(output.embedding.float(), dim=1)
        distance = 1 - embeddings @ embeddings.T  # (batch, batch)
        positive, negative = clip_pairs(targets, observed)
        present = (targets * observed).float()
        related = (present @ self.same_family @ present.T) > 0
        margin = torch.where(related, self.family_margin, self.margin)
        violation = distance.unsqueeze(2) - (distance - margin).unsqueeze(1)  # (clip, positive, negative)
        valid = positive.unsqueeze(2) & negative.unsqueeze(1)
        losses = (violation * valid).clamp(min=0)
        return {"triplet": losses.sum() / (losses > 0).sum().clamp(min=1)}
