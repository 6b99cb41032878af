"""The window of a clip that scores highest for an instrument: its spectrogram, and where the evidence in it lies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import levels_db, window_weights
from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.explaining.choosing import Choice
from instrumentarium.explaining.maps import Method, evidence
from instrumentarium.frontends.base import FrontEnd
from instrumentarium.frontends.display import display_frontend
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.models.recognition import RecognitionModel

BATCH_SIZE = 32


@dataclass(frozen=True)
class ExplainedWindow:
    """A window and the evidence in it.

    Attributes:
        spectrogram: (bands, frames), dB.
        evidence: (bands, frames), from 0 to 1; the same in all bands where the model's features have no frequency axis.
        start_s: where the window begins in its clip.
        duration_s: how long it is, without the silence it is filled up with.
        window_score: its probability of the instrument.
    """

    spectrogram: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.float32]
    start_s: float
    duration_s: float
    window_score: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the window speaks for the instrument."""
        return not self.evidence.any()


def shown_frontend(model: RecognitionModel, sample_rate_hz: int) -> FrontEnd:
    """Return the front end whose features are shown: the model's own, or, where these are no bands, one for pictures."""
    return display_frontend(sample_rate_hz) if model.frontend.axes is None else model.frontend


def explain_strongest(
    model: RecognitionModel, card: ModelCard, samples: ClipSamples, choice: Choice, method: Method
) -> ExplainedWindow:
    """Explain the window of the chosen clip that has the highest probability of the chosen instrument, as far as it counts.

    What is explained is the window as it is; its score may rest on test-time pitch shifts as well.

    Args:
        model: in evaluation mode, on the processor.
        card: its card.
        samples: of the scored clips, in their order.
        choice: a clip of them, and an instrument.
        method: how to explain.
    """
    instrument = choice.column
    length, hop = (round(seconds * card.sample_rate_hz) for seconds in (card.windows.length_s, card.windows.hop_s))
    clip = samples.read(choice.row)
    starts = window_starts(len(clip), length, hop)
    scores, levels = [], []
    for first in range(0, len(starts), BATCH_SIZE):
        windows = np.stack([cut_window(clip, start, length) for start in starts[first : first + BATCH_SIZE]])
        with torch.no_grad():
            scores.append(model(to_waveforms(torch.from_numpy(windows))).sigmoid()[:, instrument].numpy())
        levels.append(levels_db(windows))
    found_scores, weights = np.concatenate(scores), window_weights(np.concatenate(levels), card.windows.quietest_db)
    best = int((weights * found_scores).argmax())
    waveform = to_waveforms(torch.from_numpy(cut_window(clip, starts[best], length)[None].copy()))
    with torch.no_grad():
        features = model.normalise(model.frontend(waveform))
        shown = shown_frontend(model, card.sample_rate_hz)(waveform)[0, 0]  # (bands, frames) of the first channel
    found = evidence(model, features, torch.tensor([instrument]), method, (shown.shape[0], shown.shape[1]))
    return ExplainedWindow(
        spectrogram=shown.numpy(),
        evidence=found[0].numpy(),
        start_s=starts[best] / card.sample_rate_hz,
        duration_s=min(length, len(clip) - starts[best]) / card.sample_rate_hz,
        window_score=float(found_scores[best]),
    )
