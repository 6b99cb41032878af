"""A model as an ONNX graph, front end included: waveforms of any number and length in, probabilities out.

ONNX has no short-time Fourier transform that every runtime computes well, and exporters know no complex numbers: where the
front end is made of a mel spectrogram or is Kaldi's filter bank, the graph has the transform as a convolution with windowed
cosines and sines. The raw waveform is exported as it is, and banks of filters as long as the window are refused. Resampling
is a convolution in either case.
"""

import copy
import math
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.transforms import Resample

from instrumentarium.frontends.bandpower import BandPower
from instrumentarium.frontends.base import FrontEnd
from instrumentarium.frontends.cpjku import CpjkuMel
from instrumentarium.frontends.fbank import Fbank, FrameSpectrum
from instrumentarium.frontends.logmel import LogMel, Spectrum
from instrumentarium.frontends.multi import Multi
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError

INPUT, OUTPUT = "waveforms", "probabilities"
OPSET = 18
INSTALL = "pip install 'instrumentarium[onnx]'"


class MissingOnnxError(UserError, ImportError):
    """The packages for ONNX are not installed."""


class OnnxExportError(UserError, RuntimeError):
    """A network that cannot be exported."""


class ConvolvedSpectrum(nn.Module):
    """What `spectrum` does, by convolutions, of the bins that are `covered`, (bins,), by a band; others are 0."""

    kernels: Tensor

    def __init__(self, spectrum: Spectrum, covered: Tensor) -> None:
        super().__init__()
        n_fft = spectrum.n_fft
        self.margin, self.hop_length, self.pad_mode = n_fft // 2, spectrum.hop_length, spectrum.pad_mode
        bins = covered.nonzero()[:, 0]
        first, last = int(bins.min()), int(bins.max())
        self.uncovered = (first, n_fft // 2 - last)
        # Whole turns are dropped from the angles while they are whole numbers, so that no digit is lost.
        turns = torch.arange(first, last + 1)[:, None] * torch.arange(n_fft) % n_fft
        angles = 2 * math.pi / n_fft * turns.double()
        window = spectrum.window.double()
        kernels = torch.cat([angles.cos() * window, angles.sin() * window])
        self.register_buffer("kernels", kernels[:, None].float(), persistent=False)  # (2 · bins, 1, n_fft)

    def forward(self, signals: Tensor) -> Tensor:
        """Return the power of each bin, (batch, bins, frames)."""
        padded = functional.pad(signals[:, None], (self.margin, self.margin), mode=self.pad_mode)  # (batch, 1, samples)
        cosines, sines = functional.conv1d(padded, self.kernels, stride=self.hop_length).chunk(2, dim=1)
        return functional.pad(cosines.square() + sines.square(), (0, 0, *self.uncovered))


class ConvolvedFrameSpectrum(nn.Module):
    """What `spectrum` does, by convolutions: all that is done to a frame is linear. Takes signals of at least a frame."""

    kernels: Tensor

    def __init__(self, spectrum: FrameSpectrum) -> None:
        super().__init__()
        self.hop_length = spectrum.hop_length
        units = spectrum.double().windowed(
            torch.eye(spectrum.length, dtype=torch.float64)
        )  # (sample, sample of a frame)
        responses = torch.fft.rfft(units, n=spectrum.n_fft)[:, :-1].T  # (bins, samples)
        kernels = torch.cat([responses.real, responses.imag])
        self.register_buffer("kernels", kernels[:, None].float(), persistent=False)  # (2 · bins, 1, samples)

    def forward(self, signals: Tensor) -> Tensor:
        """Return the power of each bin, (batch, bins, frames)."""
        real, imaginary = functional.conv1d(signals[:, None], self.kernels, stride=self.hop_length).chunk(2, dim=1)
        return real.square() + imaginary.square()


class ConvolvedResample(nn.Module):
    """What `resample` does, for waveforms (batch, samples) whose length is not known when the graph is traced."""

    kernel: Tensor

    def __init__(self, resample: Resample) -> None:
        super().__init__()
        self.old, self.new = resample.orig_freq // resample.gcd, resample.new_freq // resample.gcd
        self.width = resample.width
        self.register_buffer("kernel", resample.kernel, persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return waveforms at the new rate."""
        padded = functional.pad(waveforms[:, None], (self.width, self.width + self.old))
        phases = functional.conv1d(padded, self.kernel, stride=self.old)  # (batch, new, samples/old)
        samples = (self.new * waveforms.shape[1] + self.old - 1) // self.old
        return phases.transpose(1, 2).flatten(1)[:, :samples]


def convolve(frontend: FrontEnd) -> None:
    """Make a front end's transforms convolutions, in place.

    Raises:
        OnnxExportError: if its transforms would be convolutions longer than any runtime computes in time.
    """
    if isinstance(frontend, BandPower):
        raise OnnxExportError(
            f"the front end {frontend.params.kind} filters by Fourier transforms of the whole window, which cannot be "
            "exported to ONNX; train with one made of a mel spectrogram, or predict with the backend torch"
        )
    if isinstance(frontend, LogMel) and isinstance(frontend.spectrum, Spectrum):
        whole = isinstance(frontend, Multi) and frontend.has_chroma  # whose power is that of the bins
        covered = torch.ones(frontend.filters.shape[1], dtype=torch.bool) if whole else frontend.filters.any(dim=0)
        frontend.spectrum = ConvolvedSpectrum(frontend.spectrum, covered)
    if isinstance(frontend, CpjkuMel) and isinstance(frontend.spectrum, Spectrum):
        frontend.spectrum = ConvolvedSpectrum(frontend.spectrum, frontend.filters.any(dim=0))
    if isinstance(frontend, Fbank) and isinstance(frontend.spectrum, FrameSpectrum):
        frontend.spectrum = ConvolvedFrameSpectrum(frontend.spectrum)
    if isinstance(frontend.resample, Resample):
        frontend.resample = ConvolvedResample(frontend.resample)


class Waveforms2Probabilities(nn.Module):
    """What is exported: waveforms (batch, samples), full scale ±1 → probabilities (batch, instruments)."""

    def __init__(self, model: RecognitionModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        convolve(self.model.frontend)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the probabilities."""
        return self.model.predict(waveforms).logits.sigmoid()


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
