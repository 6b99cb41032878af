"""The whole model: waveforms in, one logit an instrument out.

Front end and normalisation are part of it, so training, scoring and prediction cannot disagree about them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams
from instrumentarium.frontends.warp import warp_matrices
from instrumentarium.models.backbones.cnn import Cnn
from instrumentarium.models.backbones.image import ImageNetwork, PretrainedWeightsError
from instrumentarium.models.params import CnnParams, NetworkParams
from instrumentarium.tables.taxonomy import CODES


class RecognitionModel(nn.Module):
    """Waveforms (batch, samples), full scale ±1 → logits (batch, instruments).

    `mean` and `std` are those of each band over the training clips, in dB; they are not stored with the weights.

    A window may be heard transposed as well, lower and higher by `transposed_semitones`: the logits are then the mean of
    what is heard. A timbre that a network takes for another at one pitch it may know at the next.
    """

    mean: Tensor
    std: Tensor
    transpositions: Tensor

    def __init__(
        self,
        frontend: LogMel,
        mean: Sequence[float],
        std: Sequence[float],
        backbone: Cnn | ImageNetwork,
        dropout: float,
        transposed_semitones: float = 0.0,
    ) -> None:
        super().__init__()
        self.frontend = frontend
        semitones = torch.tensor([-transposed_semitones, transposed_semitones] if transposed_semitones else [])
        matrices = warp_matrices(frontend.band_centres_hz, torch.pow(2.0, semitones / 12))
        self.register_buffer("transpositions", matrices, persistent=False)  # (0 or 2, bands, bands)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32)[:, None], persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32)[:, None], persistent=False)
        # Channels last: 2× faster convolutions here on a processor, 1.5× on tensor cores.
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(backbone.embedding_size, len(CODES))

    def normalise(self, features: Tensor) -> Tensor:
        """Return features (batch, 1, bands, frames) with mean 0 and variance 1 in each band of the training clips."""
        return (features - self.mean) / self.std

    def embed(self, normalised: Tensor) -> Tensor:
        """Return the embeddings, (batch, size), of normalised features."""
        embeddings: Tensor = self.backbone(normalised.contiguous(memory_format=torch.channels_last))
        return embeddings

    def classify(self, embeddings: Tensor) -> Tensor:
        """Return the logits, (batch, instruments), of embeddings."""
        logits: Tensor = self.head(self.dropout(embeddings))
        return logits

    def hear(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (batch, instruments) and embeddings (batch, size) of mel power (batch, bands, frames).

        The logits are the mean over all transpositions, the embeddings those of the power as it is.
        """
        embeddings = self.embed(self.normalise(self.frontend.decibels(power)))
        logits = self.classify(embeddings)
        # One after another: three times the batch takes more than three times as long.
        for matrix in self.transpositions:
            logits = logits + self.classify(self.embed(self.normalise(self.frontend.decibels(matrix @ power))))
        return logits / (1 + len(self.transpositions)), embeddings

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits of `waveforms`."""
        return self.hear(self.frontend.power(waveforms))[0]


def build_model(
    network: NetworkParams,
    frontend: LogMelParams,
    *,
    sample_rate_hz: int,
    mean: Sequence[float],
    std: Sequence[float],
    pretrained: bool = False,
    transposed_semitones: float = 0.0,
) -> RecognitionModel:
    """Build a model whose weights are drawn from torch's global generator, or pretrained where asked and possible.

    Raises:
        ValueError: if timm has no such architecture, or mean and std don't fit the front end's bands.
        PretrainedWeightsError: if pretrained weights are asked for and the network has none, or they cannot be fetched.
    """
    if not len(mean) == len(std) == frontend.n_mels:
        raise ValueError(f"mean and std need {frontend.n_mels} values, one a band; found {len(mean)} and {len(std)}")
    backbone: Cnn | ImageNetwork
    if isinstance(network, CnnParams):
        if pretrained:
            raise PretrainedWeightsError(
                "network.kind cnn has no pretrained weights; set `pretrained: false` in its recipe"
            )
        backbone = Cnn(network.channels)
    else:
        backbone = ImageNetwork(network.architecture, pretrained=pretrained)
    return RecognitionModel(
        LogMel(frontend, sample_rate_hz), mean, std, backbone, network.dropout, transposed_semitones
    )
