"""The ladder from windows to a table of files, each rung calling the one below it.

`Windows2Scores` → `Samples2Scores` → `Audio2Timeline` → `File2Timeline` → `Files2Table`
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.params import WindowsParams
from instrumentarium.decoding.pcm import SILENT
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.batching import Streams2Scores, in_batches
from instrumentarium.predicting.prediction import Prediction, failed
from instrumentarium.predicting.timeline import (
    FloatArray,
    TimelineSettings,
    at_temperature,
    find_segments,
    frame_scores,
    smooth,
    strongest_windows,
    with_strongest,
)
from instrumentarium.predicting.windowscores import PartialScores, Windowing, WindowScores
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.taxonomy import Taxonomy


class OverlapError(UserError, ValueError):
    """An overlap that windows cannot have."""


class ScoresError(UserError, ArithmeticError):
    """Scores that are no numbers."""


class InputCard(Protocol):
    """What a model or another system says of its input and its instruments."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The instruments, in the order of the scores."""

    @property
    def windows(self) -> WindowsParams:
        """How recordings are cut, and their windows' scores are pooled."""

    @property
    def sample_rate_hz(self) -> int:
        """Of the samples."""


class WindowModel(Protocol):
    """A trained model: `scoring.recognizer.Recognizer`, or what does the same by other means."""

    @property
    def card(self) -> InputCard:
        """Its input and its instruments."""

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return (batch, at least instruments) for windows (batch, samples): their probabilities come first."""


class Windows2Scores:
    """Windows (batch, samples) int16 at the model's rate → their scores (batch, instruments)."""

    def __init__(self, model: WindowModel) -> None:
        self.model, self.card, self.taxonomy = model, model.card, model.card.taxonomy

    def __call__(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return the scores of windows.

        Raises:
            ScoresError: if one is not finite: the model's weights are too large, or were never trained.
        """
        scores = self.model.windows(windows)[:, : len(self.taxonomy)]
        if not np.isfinite(scores).all():
            raise ScoresError("the model's scores are not finite: its weights cannot be used; train again")
        return scores


class Samples2Scores:
    """A stream of samples → the scores of its windows.

    Args:
        windows2scores: the rung below.
        overlap: share of a window that the next one covers again, in [0, 1); by default the model's, as in evaluation.

    Raises:
        OverlapError: if the overlap is out of its range.
    """

    def __init__(self, windows2scores: Windows2Scores, overlap: float | None = None) -> None:
        if overlap is not None and not 0 <= overlap <= 0.99:
            raise OverlapError(f"the overlap is a share of the window, from 0 to 0.99; found {overlap}")
        self.windows2scores, windows = windows2scores, windows2scores.card.windows
        rate_hz = self.sample_rate_hz = windows2scores.card.sample_rate_hz
        hop_s = windows.hop_s if overlap is None else windows.length_s * (1 - overlap)
        self.windowing = Windowing(
            round(windows.length_s * rate_hz),
            max(1, round(hop_s * rate_hz)),
            rate_hz,
            windows.clip_score,
            windows.quietest_db,
        )

    def __call__(self, stream: SampleStream) -> WindowScores:
        """Return the scores of one stream.

        Raises:
            AudioError: if its source cannot be used.
            OSError: if its source cannot be opened.
        """
        partial = PartialScores(stream, self.windowing)
        for batch in in_batches(partial.cut()):
            partial.scores.extend(self.windows2scores(np.stack(batch)))
        return partial.complete()


class Audio2Timeline:
    """A waveform → which instruments play in it, and when.

    Args:
        samples2scores: the rung below.
        thresholds: of each instrument, (instruments,), for scores as the model computes them.
        settings: of the timeline.
        temperature: divides the logits of the scores that are reported, so that they can be read as probabilities;
            thresholds are applied before.
    """

    def __init__(
        self,
        samples2scores: Samples2Scores,
        thresholds: FloatArray,
        settings: TimelineSettings | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.samples2scores, self.thresholds, self.temperature = samples2scores, thresholds, temperature
        self.settings, self.taxonomy = settings or TimelineSettings(), samples2scores.windows2scores.taxonomy

    def __call__(self, waveform: npt.ArrayLike, rate_hz: int, name: str = "") -> Prediction:
        """Return the prediction for a waveform, (frames,) or (frames, channels), int16 or floats with full scale ±1.

        Raises:
            AudioError: if it is shorter than 0.1 s or holds NaN or infinity.
        """
        stream = SampleStream.of_array(waveform, rate_hz, self.samples2scores.sample_rate_hz)
        return self.decide(self.samples2scores(stream), name)

    def decide(self, windows: WindowScores, name: str) -> Prediction:
        """Return the prediction that scores of windows lead to.

        What is present and when is decided by the same windows, each as far as it counts, so that an instrument that is
        present has a segment at least.
        """
        scores, weighted = windows.clip(), windows.weighted()
        step_s = self.settings.step_s
        frames = frame_scores(weighted, windows.starts_s, windows.length_s, windows.duration_s, step_s)
        frames = smooth(frames, step_s, self.settings.smooth_s)
        reported = at_temperature(frames, self.temperature)
        codes = self.taxonomy.codes
        segments = find_segments(frames, codes, self.thresholds, windows.duration_s, self.settings, reported)
        sounds = bool(windows.weights.any())
        present, scores = (scores >= self.thresholds) & sounds, at_temperature(scores, self.temperature)
        strongest = strongest_windows(
            at_temperature(weighted, self.temperature), windows.starts_s, windows.length_s, windows.duration_s, codes
        )
        there = [strongest[column] for column in np.flatnonzero(present)]
        segments = with_strongest(segments, there, codes) if sounds else ()
        note = None if sounds else f"nothing to recognise: {SILENT}"
        return Prediction(
            name, self.taxonomy, windows.duration_s, scores, present, segments, reported, error=None, note=note
        )


class File2Timeline:
    """An audio file → which instruments play in it, and when."""

    def __init__(self, audio2timeline: Audio2Timeline) -> None:
        self.audio2timeline = audio2timeline

    def __call__(self, path: Path, name: str | None = None) -> Prediction:
        """Return the prediction for a file.

        Raises:
            AudioError: if the file cannot be used.
            OSError: if it cannot be opened.
        """
        samples2scores = self.audio2timeline.samples2scores
        scores = samples2scores(SampleStream.of_file(path, samples2scores.sample_rate_hz))
        return self.audio2timeline.decide(scores, str(path) if name is None else name)


class Files2Table:
    """Audio files → one prediction a file, in order; a file that cannot be used has its error for one.

    Args:
        file2timeline: the rung below.
        workers: how many batches of windows are scored at a time; with 0, one thread decodes and scores in turns.
    """

    def __init__(self, file2timeline: File2Timeline, workers: int = 1) -> None:
        self.file2timeline, self.audio2timeline = file2timeline, file2timeline.audio2timeline
        samples2scores = self.audio2timeline.samples2scores
        self.streams2scores = Streams2Scores(samples2scores.windows2scores, samples2scores.windowing, workers)

    def __call__(self, paths: Iterable[Path], name_of: Callable[[Path], str] = str) -> Iterator[Prediction]:
        """Yield the prediction of each file as soon as it is known."""
        rate_hz = self.audio2timeline.samples2scores.sample_rate_hz
        return self.of_streams((name_of(path), SampleStream.of_file(path, rate_hz)) for path in paths)

    def of_streams(self, named: Iterable[tuple[str, SampleStream]]) -> Iterator[Prediction]:
        """Yield the prediction of each stream under its name, as soon as it is known."""
        names: deque[str] = deque()

        def streams() -> Iterator[SampleStream]:
            for name, stream in named:
                names.append(name)
                yield stream

        for result in self.streams2scores(streams()):
            name = names.popleft()
            if isinstance(result, WindowScores):
                yield self.audio2timeline.decide(result, name)
            else:
                yield failed(name, result, self.audio2timeline.taxonomy)
