"""The window of a clip that speaks the loudest for an instrument: its spectrogram, and where the model looked in it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.explaining.choosing import Choice
from instrumentarium.explaining.maps import Method, evidence
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.models.recognition import RecognitionModel

BATCH_SIZE = 32


@dataclass(frozen=True)
class Hearing:
    """What a model heard in one window.

    Attributes:
        spectrogram: (bands, frames), dB.
        evidence: (bands, frames), from 0 to 1.
        start_s: where the window begins in its clip.
        duration_s: how long it is, without the silence it is filled up with.
        window_score: its probability of the instrument.
    """

    spectrogram: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.float32]
    start_s: float
    duration_s: float
    window_score: float


def hear(model: RecognitionModel, card: ModelCard, samples: ClipSamples, choice: Choice, method: Method) -> Hearing:
    """Explain the window of the chosen clip that has the highest probability of the chosen instrument.

    What is explained is the window as it is; its score may rest on transpositions as well.

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
    best, best_score, best_features = 0, -1.0, torch.empty(0)
    for first in range(0, len(starts), BATCH_SIZE):
        windows = np.stack([cut_window(clip, start, length) for start in starts[first : first + BATCH_SIZE]])
        with torch.no_grad():
            power = model.frontend.power(to_waveforms(torch.from_numpy(windows)))  # (windows, bands, frames)
            scores = model.hear(power)[0].sigmoid()[:, instrument]
        strongest = int(scores.argmax())
        if float(scores[strongest]) > best_score:
            best, best_score = first + strongest, float(scores[strongest])
            best_features = model.frontend.decibels(power[strongest : strongest + 1])
    found = evidence(model, model.normalise(best_features), torch.tensor([instrument]), method)
    return Hearing(
        spectrogram=best_features[0, 0].numpy(),
        evidence=found[0].numpy(),
        start_s=starts[best] / card.sample_rate_hz,
        duration_s=min(length, len(clip) - starts[best]) / card.sample_rate_hz,
        window_score=best_score,
    )
