"""A small model, clips it has scored, and a network simple enough to explain by hand."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from model_fixtures import NETWORK, RATE_HZ, clip_samples, noise_clips, tiny_card, tiny_model
from torch import Tensor, nn

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.explaining.params import ExplainParams
from instrumentarium.explaining.scored import ScoredClips
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.models.params import CnnParams, TimmParams
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.tables.taxonomy import Taxonomy
from taxonomies import IRMAS11

PARAMS = ExplainParams(method="auto", per_instrument=1, clips=(), perplexity=5.0, most_points=100)


def scored_clips(count: int = 24, seed: int = 0, taxonomy: Taxonomy = IRMAS11) -> ScoredClips:
    """Return clips in two splits, two clips a recording; ids hold what file names hold."""
    rng = np.random.default_rng(seed)
    observed = rng.random((count, len(taxonomy))) < 0.8
    return ScoredClips(
        clip_ids=tuple(f"irmas/Part1/{row:02d} Café $5\u00a0– 音" for row in range(count)),
        splits=np.array([("test", "validation")[row % 2] for row in range(count)]),
        recordings=np.array([f"irmas/{row // 4}" for row in range(count)]),
        corpora=np.array([("irmas", "openmic", "esc50")[row % 3] for row in range(count)]),
        genres=np.array([("", "jaz_blu", "siren")[row % 3] for row in range(count)]),
        groups=np.array([("", "", "tonal")[row % 3] for row in range(count)]),
        targets=(rng.random((count, len(taxonomy))) < 0.2) & observed,
        observed=observed,
        scores=rng.random((count, len(taxonomy))).round(6),
        taxonomy=taxonomy,
    )


@dataclass
class Material:
    """What the stage reads."""

    model: RecognitionModel
    card: ModelCard
    scored: ScoredClips
    samples: ClipSamples
    embeddings: npt.NDArray[np.float32]


def material(network: CnnParams | TimmParams = NETWORK) -> Material:
    scored = scored_clips()
    lengths = [RATE_HZ // 4 + 700 * row for row in range(len(scored.clip_ids))]  # some shorter than a window
    samples = clip_samples(noise_clips(lengths), scored.clip_ids)
    embeddings = np.random.default_rng(3).standard_normal((len(lengths), 12)).astype(np.float32)
    return Material(tiny_model(network=network).eval(), tiny_card(), scored, samples, embeddings)


class ByHand(nn.Module):
    """One convolution, a pooling over the whole map, one linear layer: Grad-CAM of it can be written down."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.convolution = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(3, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return two logits."""
        logits: Tensor = self.head(self.pool(self.convolution(features).relu()).flatten(1))
        return logits
