"""The whole model: waveforms in, one logit an instrument out.

Front end and normalisation are part of it, so training, scoring and prediction cannot disagree about them.
"""

import torch
from torch import Tensor, nn

from instrumentarium.frontends.base import FrontEnd, PowerFrontEnd
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.normalisation import Normalisation, Normalise
from instrumentarium.frontends.params import AnyFrontEndParams
from instrumentarium.frontends.warp import warp_matrices
from instrumentarium.models.backbones.base import Backbone, FeatureShape
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.heads.base import Head, HeadOutput
from instrumentarium.models.heads.build import build_head
from instrumentarium.models.params import WAVEFORM_KINDS, BackboneParams, HeadParams, Pretrained
from instrumentarium.models.sideinputs import SideInputs, SideValues


class RecognitionModel(nn.Module):
    """Waveforms (batch, samples), full scale ±1 → logits (batch, instruments).

    With a test-time pitch shift the logits are the mean over the window as it is, and shifted down and up by so many
    semitones: a timbre that a network takes for another at one pitch it may know at the next.

    Side inputs are for training; `predict` and `forward` know none.
    """

    pitch_shifts: Tensor

    def __init__(
        self,
        frontend: FrontEnd,
        normalisation: Normalisation,
        backbone: Backbone,
        head: Head,
        pitch_shift_semitones: float = 0.0,
        side_inputs: SideInputs | None = None,
    ) -> None:
        super().__init__()
        self.frontend = frontend
        self.normalise = Normalise(normalisation)
        # Channels last: 2× faster convolutions here on a processor, 1.5× on tensor cores.
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = head
        self.side_inputs = side_inputs
        matrices = torch.zeros(0)
        if pitch_shift_semitones:
            if not isinstance(frontend, PowerFrontEnd):
                raise ValueError("a test-time pitch shift moves a power spectrum, which this front end does not have")
            factors = torch.pow(2.0, torch.tensor([-pitch_shift_semitones, pitch_shift_semitones]) / 12)
            matrices = warp_matrices(frontend.power_axes.band_centres_hz, factors)
        self.register_buffer("pitch_shifts", matrices, persistent=False)  # (0 or 2, bands, bands)

    def classify(self, normalised: Tensor, side: Tensor | None = None) -> HeadOutput:
        """Return what backbone and head make of normalised features.

        Args:
            normalised: the features.
            side: codes of the side inputs, (batch, inputs), in the order of `side_inputs`; None where nothing is known.
        """
        embeddings = self.backbone(normalised)
        if side is not None:
            assert self.side_inputs is not None
            embeddings = self.side_inputs(embeddings, side)
        output: HeadOutput = self.head(embeddings)
        return output

    def forward_power(self, power: Tensor) -> HeadOutput:
        """Return the output for band powers (batch, bands, frames) of a power front end, pitch shifts included.

        The logits are the mean over all shifts, embedding and attention those of the power as it is.
        """
        frontend = self.frontend
        assert isinstance(frontend, PowerFrontEnd)
        output = self.classify(self.normalise(frontend.compress(power)))
        logits = output.logits
        # One after another: three times the batch takes more than three times as long.
        for matrix in self.pitch_shifts:
            logits = logits + self.classify(self.normalise(frontend.compress(matrix @ power))).logits
        return HeadOutput(logits / (1 + len(self.pitch_shifts)), output.embedding, output.attention)

    def predict(self, waveforms: Tensor) -> HeadOutput:
        """Return logits, embedding and attention of `waveforms`, test-time pitch shifts included."""
        if isinstance(self.frontend, PowerFrontEnd):
            return self.forward_power(self.frontend.power(waveforms))
        return self.classify(self.normalise(self.frontend(waveforms)))

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the logits of `waveforms`."""
        return self.predict(waveforms).logits


def feature_shape(frontend: FrontEnd, window_samples: int) -> FeatureShape:
    """Return the shape of what a front end makes of a window of so many samples."""
    with torch.no_grad():
        return tuple(frontend(torch.zeros(1, window_samples)).shape[1:])


def build_model(
    frontend: AnyFrontEndParams,
    backbone: BackboneParams,
    head: HeadParams,
    *,
    instruments: int,
    sample_rate_hz: int,
    window_samples: int,
    normalisation: Normalisation,
    pretrained: Pretrained = False,
    pitch_shift_semitones: float = 0.0,
    side_inputs: SideValues | None = None,
) -> RecognitionModel:
    """Build a model whose weights are drawn from torch's global generator, or pretrained where asked and possible.

    Args:
        frontend: of the model.
        backbone: of the model; it must take the kind of features that the front end makes.
        head: of the model.
        instruments: how many it recognises.
        sample_rate_hz: of the waveforms it takes.
        window_samples: of a window; some backbones are built for windows of one length.
        normalisation: of the features.
        pretrained: whether the backbone starts from published weights, and from which.
        pitch_shift_semitones: of the test-time pitch shift; 0 for none.
        side_inputs: the values of each side input that it is trained with; None or nothing for none.

    Raises:
        ValueError: if the parts don't fit together, or timm has no such architecture.
        PretrainedWeightsError: if pretrained weights are asked for and the backbone has none, or they cannot be fetched.
    """
    front = build_frontend(frontend, sample_rate_hz)
    rows, shape = [front.rows] * front.channels, [len(row) for row in normalisation.mean]
    if normalisation.kind == "per_band" and shape != rows:
        raise ValueError(f"the normalisation needs {rows} values, one a band; found {shape}")
    features = feature_shape(front, window_samples)
    waveforms = len(features) == 1
    if waveforms != (backbone.kind in WAVEFORM_KINDS):
        takes, makes = ("spectra", "waveforms") if waveforms else ("waveforms", "spectra")
        raise ValueError(f"backbone {backbone.kind} takes {takes}, and front end {frontend.kind} makes {makes}")
    network = build_backbone(backbone, features, pretrained=pretrained)
    side = SideInputs(side_inputs, network.size) if side_inputs else None
    return RecognitionModel(
        front, normalisation, network, build_head(head, network.size, instruments), pitch_shift_semitones, side
    )
