"""Losses on embeddings with something learned for each instrument, a direction or a centre, in place of pairs of clips.

A clip of several instruments takes part once for each that it is known to have. Weights learned here belong to training:
the optimiser has them, the model file does not.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.base import Objective


def present_pairs(targets: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Return the clips and the instruments of all pairs that are known to be present, one entry a pair."""
    clips, instruments = ((targets > 0) & (observed > 0)).nonzero(as_tuple=True)
    return clips, instruments


class ArcFaceObjective(Objective):
    """ArcFace: a softmax over the angles between an embedding and the instruments' directions, a margin on the right one.

    Of a clip with several instruments, the others count as wrong ones in the softmax of each. The loss is that of
    pytorch-metric-learning.

    Deng, Guo, Xue, Zafeiriou: ArcFace: additive angular margin loss for deep face recognition, CVPR 2019.
    """

    def __init__(self, instruments: int, embedding_size: int, scale: float, margin_degrees: float) -> None:
        super().__init__()
        from pytorch_metric_learning.losses import ArcFaceLoss  # takes a second to import

        self.loss = ArcFaceLoss(instruments, embedding_size, margin=margin_degrees, scale=scale)

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean over the present pairs as the only term; 0 without one."""
        clips, instruments = present_pairs(targets, observed)
        embeddings = output.embedding.float()
        if len(clips) == 0:
            return {"arcface": 0.0 * embeddings.sum()}
        return {"arcface": self.loss(embeddings[clips], instruments)}


class CentreObjective(Objective):
    """Half the squared distance between an embedding, scaled to length 1, and the centre of each of its instruments.

    The centres are learned along with the network, from 0.

    Wen, Zhang, Li, Qiao: A discriminative feature learning approach for deep face recognition, ECCV 2016.
    """

    def __init__(self, instruments: int, embedding_size: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(instruments, embedding_size))

    def forward(self, output: HeadOutput, targets: Tensor, observed: Tensor) -> dict[str, Tensor]:
        """Return the mean over the present pairs as the only term; 0 without one."""
        clips, instruments = present_pairs(targets, observed)
        embeddings = F.normalize(output.embedding.float(), dim=1)
        distances = (embeddings[clips] - self.centres[instruments]).square().sum(dim=1)
        return {"centre": 0.5 * distances.sum() / max(len(clips), 1)}
