"""From audio to scores with a trained model, in plain PyTorch.

A ladder of callables: windows → probabilities and embeddings, clips → scores; the second calls the first.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.pooling import summarise_windows
from instrumentarium.clips.windows import window_starts
from instrumentarium.frontends.device import best_device
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import ModelCard, load_model
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.progress import progress_bar

BATCH_SIZE = 32


@dataclass(frozen=True)
class ClipResults:
    """One row a clip; of windows one row each, in the order of clips and time."""

    scores: npt.NDArray[np.float64]  # (clips, instruments), of the windows' probabilities, as windows.clip_score says
    embeddings: npt.NDArray[np.float32]  # (clips, embedding size), the mean over the windows
    windows: npt.NDArray[
        np.float32
    ]  # (windows, instruments + embedding size), probabilities and embeddings side by side


class Recognizer:
    """A trained model, ready to score windows and clips."""

    def __init__(self, model: RecognitionModel, card: ModelCard, device: torch.device) -> None:
        self.model, self.card, self.device = model.to(device).eval(), card, device
        self.window_samples = round(card.windows.length_s * card.sample_rate_hz)
        self.hop_samples = round(card.windows.hop_s * card.sample_rate_hz)

    @classmethod
    def load(cls, folder: Path, device: torch.device | None = None) -> "Recognizer":
        """Return the recognizer of a model folder, on the GPU if there is one."""
        model, card = load_model(folder)
        return cls(model, card, device or best_device())

    @torch.inference_mode()
    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return, for windows (batch, samples) at the model's rate, probabilities and embeddings side by side.

        The result is (batch, instruments + embedding size).
        """
        waveforms = to_waveforms(torch.from_numpy(windows).to(self.device))
        output = self.model.predict(waveforms)
        return np.asarray(torch.cat([output.logits.float().sigmoid(), output.embedding.float()], dim=1).cpu())

    def clips(self, samples: ClipSamples) -> ClipResults:
        """Return the results of every clip."""
        windows = sum(len(window_starts(count, self.window_samples, self.hop_samples)) for count in samples.n_samples)
        every: list[npt.NDArray[np.float32]] = []
        with progress_bar("score", "windows", total=windows) as bar:

            def predict(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
                bar.update(len(windows))
                every.append(self.windows(windows))
                return every[-1]

            quietest_db = self.card.windows.quietest_db
            summary = summarise_windows(
                samples, self.window_samples, self.hop_samples, BATCH_SIZE, quietest_db, predict
            )
        instruments = len(self.card.labels)
        scores = summary.maximum if self.card.windows.clip_score == "max" else summary.mean
        return ClipResults(
            scores[:, :instruments], summary.mean[:, instruments:].astype(np.float32), np.concatenate(every)
        )
