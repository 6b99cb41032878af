"""From audio to scores with a trained model, in plain PyTorch.

A ladder of callables: windows → probabilities and embeddings, samples → scores, file → scores; each rung calls the one
below it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.audio import decode_clip
from instrumentarium.collection import ClipSamples
from instrumentarium.dataset import summarise_windows, to_waveforms
from instrumentarium.modelfile import ModelCard, load_model
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.progress import progress_bar
from instrumentarium.taxonomy import CODES
from instrumentarium.windows import window_starts

BATCH_SIZE = 32


@dataclass(frozen=True)
class ClipResults:
    """One row a clip."""

    scores: npt.NDArray[np.float64]  # (clips, instruments), of the windows' probabilities, as windows.clip_score says
    embeddings: npt.NDArray[np.float32]  # (clips, embedding size), the mean over the windows


class Recognizer:
    """A trained model, ready to listen."""

    def __init__(self, model: RecognitionModel, card: ModelCard, device: torch.device) -> None:
        self.model, self.card, self.device = model.to(device).eval(), card, device
        self.window_samples = round(card.windows.length_s * card.sample_rate_hz)
        self.hop_samples = round(card.windows.hop_s * card.sample_rate_hz)

    @classmethod
    def load(cls, folder: Path, device: torch.device | None = None) -> "Recognizer":
        """Return the recognizer of a model folder, on the GPU if there is one."""
        model, card = load_model(folder)
        return cls(model, card, device or torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    @torch.inference_mode()
    def windows(self, waveforms: torch.Tensor) -> npt.NDArray[np.float32]:
        """Return, for windows (batch, samples) int16 at the model's rate, probabilities and embeddings side by side.

        The result is (batch, instruments + embedding size).
        """
        logits, embeddings = self.model.hear(self.model.frontend.power(to_waveforms(waveforms.to(self.device))))
        return np.asarray(torch.cat([logits.float().sigmoid(), embeddings.float()], dim=1).cpu())

    def clips(self, samples: ClipSamples) -> ClipResults:
        """Return the results of every clip."""
        windows = sum(len(window_starts(count, self.window_samples, self.hop_samples)) for count in samples.n_samples)
        with progress_bar("score", "windows", total=windows) as bar:

            def predict(waveforms: torch.Tensor) -> npt.NDArray[np.float32]:
                bar.update(len(waveforms))
                return self.windows(waveforms)

            summary = summarise_windows(samples, self.window_samples, self.hop_samples, BATCH_SIZE, predict)
        scores = summary.maximum if self.card.windows.clip_score == "max" else summary.mean
        return ClipResults(scores[:, : len(CODES)], summary.mean[:, len(CODES) :].astype(np.float32))

    def file(self, path: Path) -> dict[str, float]:
        """Return the score of each instrument in an audio file of any rate and channel count.

        Raises:
            AudioError: if the file cannot be used.
            FileNotFoundError: if it is missing.
        """
        clip = decode_clip(path.read_bytes(), self.card.sample_rate_hz)
        samples = ClipSamples((str(path),), (_InMemory(clip.samples),), (0,), (0,), (len(clip.samples),))
        return dict(zip(CODES, self.clips(samples).scores[0].tolist(), strict=True))


@dataclass(frozen=True)
class _InMemory:
    """One clip's samples where a sample store is expected."""

    samples: npt.NDArray[np.int16]

    def read(self, first_sample: int, n_samples: int) -> npt.NDArray[np.int16]:
        """Return the samples asked for."""
        return self.samples[first_sample : first_sample + n_samples]
