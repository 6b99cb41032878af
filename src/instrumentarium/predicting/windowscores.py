"""The scores of a recording's windows, and how they are collected while windows are cut and scored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.levels import SILENT_DB, levels_db, window_weights
from instrumentarium.clips.pooling import pool_windows
from instrumentarium.predicting.samples import stream_windows
from instrumentarium.predicting.timeline import FloatArray


class Samples(Protocol):
    """Mono int16 samples at the model's rate: a `SampleStream`, or what was decoded elsewhere."""

    @property
    def duration_s(self) -> float:
        """Of what has been read so far, as the source counts it."""

    @property
    def silent(self) -> bool:
        """Whether nothing read so far is audible."""

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the samples in order, (n,) each."""


@dataclass(frozen=True)
class Windowing:
    """How a recording is cut into windows.

    Attributes:
        length_samples: of a window.
        hop_samples: from one window's start to the next one's.
        sample_rate_hz: of the samples.
        clip_score: how a recording's score is made of its windows' scores.
        quietest_db: so far below the loudest window a window no longer counts.
    """

    length_samples: int
    hop_samples: int
    sample_rate_hz: int
    clip_score: Literal["mean", "max"]
    quietest_db: float


@dataclass(frozen=True)
class WindowScores:
    """A model's scores of a recording, window by window."""

    scores: FloatArray  # (windows, instruments)
    starts_s: FloatArray  # (windows,), rising
    levels: FloatArray  # (windows,), in dB
    silent: bool  # the whole recording, for ingest
    length_s: float  # of a window
    duration_s: float  # of the recording
    clip_score: Literal["mean", "max"]
    quietest_db: float

    @property
    def weights(self) -> FloatArray:
        """How much each window counts, (windows,): beside the loudest one, as in evaluation; in silence none does."""
        if self.silent or self.levels.max() <= SILENT_DB:
            return np.zeros(len(self.scores))
        return window_weights(self.levels, self.quietest_db)

    def weighted(self) -> FloatArray:
        """Return the scores of windows as far as they count, (windows, instruments): what the timeline is made of."""
        return self.scores * self.weights[:, None]

    def clip(self) -> FloatArray:
        """Return the recording's scores, (instruments,): mean or maximum over its windows, as in evaluation.

        Silence, which ingest rejects, has the score 0 for all.
        """
        weights = self.weights
        return pool_windows(self.scores, self.clip_score, weights) if weights.any() else np.zeros(self.scores.shape[1])


@dataclass
class PartialScores:
    """A recording whose windows are being cut and scored; cutting may be far ahead of scoring."""

    stream: Samples
    windowing: Windowing
    starts: list[int] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    scores: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def cut(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the windows, (samples,) each, and note where each one starts and how loud it is.

        Raises:
            AudioError: if the stream's source cannot be used.
            OSError: if its source cannot be opened.
        """
        cutting = stream_windows(iter(self.stream), self.windowing.length_samples, self.windowing.hop_samples)
        for start, window in cutting:
            self.starts.append(start)
            self.levels.append(float(levels_db(window[None])[0]))
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
            np.array(self.levels),
            self.stream.silent,
            self.windowing.length_samples / rate_hz,
            self.stream.duration_s,
            self.windowing.clip_score,
            self.windowing.quietest_db,
        )
