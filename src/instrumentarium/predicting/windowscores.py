"""The scores of a recording's windows, and how they are collected while windows are cut and scored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.pooling import pool_windows
from instrumentarium.decoding.pcm import is_audible
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.samples import stream_windows
from instrumentarium.predicting.timeline import FloatArray


@dataclass(frozen=True)
class Windowing:
    """How a recording is cut into windows.

    Attributes:
        length_samples: of a window.
        hop_samples: from one window's start to the next one's.
        sample_rate_hz: of the samples.
        clip_score: how a recording's score is made of its windows' scores.
    """

    length_samples: int
    hop_samples: int
    sample_rate_hz: int
    clip_score: Literal["mean", "max"]


@dataclass(frozen=True)
class WindowScores:
    """A model's scores of a recording, window by window."""

    scores: FloatArray  # (windows, instruments)
    starts_s: FloatArray  # (windows,), rising
    audible: npt.NDArray[np.bool_]  # (windows,)
    length_s: float  # of a window
    duration_s: float  # of the recording
    clip_score: Literal["mean", "max"]

    def clip(self) -> FloatArray:
        """Return the recording's scores, (instruments,): mean or maximum over its windows, as in evaluation.

        Silence, which ingest rejects, has the score 0 for all.
        """
        if not self.audible.any():
            return np.zeros(self.scores.shape[1])
        return pool_windows(self.scores, self.clip_score)


@dataclass
class PartialScores:
    """A recording whose windows are being cut and scored; cutting may be far ahead of scoring."""

    stream: SampleStream
    windowing: Windowing
    starts: list[int] = field(default_factory=list)
    audible: list[bool] = field(default_factory=list)
    scores: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def cut(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the windows, (samples,) each, and note where each one starts and whether it is audible.

        Raises:
            AudioError: if the stream's source cannot be used.
            OSError: if its source cannot be opened.
        """
        cutting = stream_windows(iter(self.stream), self.windowing.length_samples, self.windowing.hop_samples)
        for start, window in cutting:
            self.starts.append(start)
            self.audible.append(is_audible(window))
            yield window

    @property
    def scored(self) -> bool:
        """Whether every window that was cut has its scores."""
        return len(self.scores) == len(self.starts)

    def complete(self) -> WindowScores:
        """Return the scores, once all windows have been cut and scored."""
        rate_hz = self.windowing.sample_rate_hz
        return WindowScores(
            np.stack(self.scores).astype(np.float64),
            np.array(self.starts) / rate_hz,
            np.array(self.audible) & (not self.stream.silent),
            self.windowing.length_samples / rate_hz,
            self.stream.duration_s,
            self.windowing.clip_score,
        )
