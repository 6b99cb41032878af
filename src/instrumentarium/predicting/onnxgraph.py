"""A model as an ONNX graph, front end included: waveforms of any number and length in, probabilities out.

ONNX has no short-time Fourier transform that every runtime computes well, and exporters know no complex numbers: where the
front end is a `LogMel`, the graph has the transform as a convolution with windowed cosines and sines, of those bins alone
that a mel band covers. Any other front end is exported as it is.
"""

import copy
import math
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from instrumentarium.frontends.logmel import LogMel
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError

INPUT, OUTPUT = "waveforms", "probabilities"
OPSET = 18
INSTALL = "pip install 'instrumentarium[onnx]'"


class MissingOnnxError(UserError, ImportError):
    """The packages for ONNX are not installed."""


class OnnxExportError(UserError, RuntimeError):
    """A network that cannot be exported."""


class ConvolvedLogMel(LogMel):
    """The front end `frontend`, whose power is computed by convolutions."""

    kernels: Tensor
    covered_filters: Tensor

    def __init__(self, frontend: LogMel) -> None:
        resample = frontend.resample
        input_rate_hz = frontend.params.sample_rate_hz if isinstance(resample, nn.Identity) else resample.orig_freq
        super().__init__(frontend.params, input_rate_hz)
        n_fft, covered = frontend.params.n_fft, frontend.filters.any(dim=0)  # (bins,)
        # Whole turns are dropped from the angles while they are whole numbers, so that no digit is lost.
        turns = torch.arange(n_fft // 2 + 1)[covered, None] * torch.arange(n_fft) % n_fft
        angles = 2 * math.pi / n_fft * turns.double()
        window = frontend.window.double()
        kernels = torch.cat([angles.cos() * window, angles.sin() * window])
        filters = frontend.filters[:, covered].contiguous()
        self.register_buffer("kernels", kernels[:, None].float(), persistent=False)  # (2 · bins, 1, n_fft)
        self.register_buffer("covered_filters", filters, persistent=False)  # (bands, bins)

    def power(self, waveforms: Tensor) -> Tensor:
        """Return the power in each mel band, (batch, bands, frames)."""
        margin = self.params.n_fft // 2
        signal = functional.pad(self._resampled(waveforms)[:, None], (margin, margin))  # (batch, 1, samples)
        spectrum = functional.conv1d(signal, self.kernels, stride=self.params.hop_length)
        cosines, sines = spectrum.chunk(2, dim=1)  # (batch, bins, frames) each
        return self.covered_filters @ (cosines.square() + sines.square())

    def _resampled(self, waveforms: Tensor) -> Tensor:
        """Return waveforms at the front end's rate, as `torchaudio.transforms.Resample` has them."""
        resample = self.resample
        if isinstance(resample, nn.Identity):
            return waveforms
        old, new = resample.orig_freq // resample.gcd, resample.new_freq // resample.gcd
        padded = functional.pad(waveforms[:, None], (resample.width, resample.width + old))
        phases = functional.conv1d(padded, resample.kernel, stride=old)  # (batch, new, samples/old)
        return phases.transpose(1, 2).flatten(1)[:, : (new * waveforms.shape[1] + old - 1) // old]


class Waveforms2Probabilities(nn.Module):
    """What is exported: waveforms (batch, samples), full scale ±1 → probabilities (batch, instruments)."""

    def __init__(self, model: RecognitionModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        if isinstance(model.frontend, LogMel):
            self.model.frontend = ConvolvedLogMel(model.frontend)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the probabilities."""
        logits: Tensor = self.model(waveforms)
        return logits.sigmoid()


def export_graph(model: RecognitionModel, path: Path, window_samples: int) -> None:
    """Write a model as an ONNX graph of dynamic batch and length; `window_samples` are those it is traced with.

    Raises:
        MissingOnnxError: if the packages for ONNX are not installed.
        OnnxExportError: if the network has a part that ONNX has no word for.
    """
    try:
        import onnx  # noqa: F401 - torch uses it, and says less when it is not there
    except ImportError as error:
        raise MissingOnnxError(f"exporting needs the package onnx, which is not installed: {INSTALL}") from error

    graph = Waveforms2Probabilities(model).eval()
    example = torch.linspace(-0.5, 0.5, 2 * window_samples).reshape(2, -1)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # Tracing warns of shapes, and that there is another exporter. That one (dynamo=True) needs two more packages
            # and ten times as long for the same numbers; whether they are right is compared.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph,
                (example,),
                path,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "batch", 1: "samples"}, OUTPUT: {0: "batch"}},
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise OnnxExportError(f"this network cannot be exported to ONNX: {str(error).splitlines()[0]}") from error
