"""From audio to scores with a trained model, in plain PyTorch.

A ladder of callables: windows → probabilities and embeddings, clips → scores; the second calls the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.pooling import WindowSummary, summarise_windows
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

    def embeddings(self, samples: ClipSamples) -> npt.NDArray[np.float32]:
        """Return the embedding of every clip, (clips, embedding size): the mean over its windows, as they are."""
        with progress_bar("score: embeddings", "windows", total=self._count(samples)) as bar, torch.inference_mode():

            def embed(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
                bar.update(len(windows))
                features = self.model.frontend(to_waveforms(torch.from_numpy(windows).to(self.device)))
                return np.asarray(self.model.classify(self.model.normalise(features)).embedding.float().cpu())

            return self._summary(samples, embed).mean.astype(np.float32)

    def clips(self, samples: ClipSamples) -> ClipResults:
        """Return the results of every clip."""
        every: list[npt.NDArray[np.float32]] = []
        with progress_bar("score", "windows", total=self._count(samples)) as bar:

            def predict(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
                bar.update(len(windows))
                every.append(self.windows(windows))
                return every[-1]

            summary = self._summary(samples, predict)
        instruments = len(self.card.labels)
        scores = summary.maximum if self.card.windows.clip_score == "max" else summary.mean
        return ClipResults(
            scores[:, :instruments], summary.mean[:, instruments:].astype(np.float32), np.concatenate(every)
        )

    def _count(self, samples: ClipSamples) -> int:
        return sum(len(window_starts(count, self.window_samples, self.hop_samples)) for count in samples.n_samples)

    def _summary(
        self, samples: ClipSamples, predict: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.float32]]
    ) -> WindowSummary:
        quietest_db = self.card.windows.quietest_db
        return summarise_windows(samples, self.window_samples, self.hop_samples, BATCH_SIZE, quietest_db, predict)
