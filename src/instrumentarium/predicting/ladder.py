"""The ladder from samples to a table of files: `Samples2Scores` → `Audio2Timeline` → `File2Timeline` → `Files2Table`.

Each rung calls the one below it. Windows of several recordings share a batch, several batches are heard at a time, and the
next blocks are decoded meanwhile.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.pooling import pool_windows
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.predicting.result import Prediction, failed
from instrumentarium.predicting.samples import SampleStream, is_audible, stream_windows
from instrumentarium.predicting.timeline import (
    FloatArray,
    TimelineSettings,
    at_temperature,
    find_segments,
    frame_scores,
    smooth,
)
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.taxonomy import CODES

BATCH_SIZE = 16
AHEAD = 64
"""Windows that wait for the model: 12 MB of 3 s at 32 kHz."""

Item = TypeVar("Item")


class OverlapError(UserError, ValueError):
    """An overlap that windows cannot have."""


class Listener(Protocol):
    """A trained model: `inference.Recognizer`, or what does the same by other means."""

    card: ModelCard

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return (batch, at least instruments) for windows (batch, samples): their probabilities come first."""


@dataclass(frozen=True)
class WindowScores:
    """What a model says of a recording, window by window."""

    scores: FloatArray  # (windows, instruments)
    starts_s: FloatArray  # (windows,), rising
    audible: npt.NDArray[np.bool_]  # (windows,)
    length_s: float  # of a window
    duration_s: float  # of the recording
    clip_score: Literal["mean", "max"]

    def clip(self) -> FloatArray:
        """Return the recording's scores, (instruments,), put together from its windows' as in evaluation.

        Silence, which ingest rejects, has the score 0 for all.
        """
        if not self.audible.any():
            return np.zeros(self.scores.shape[1])
        return pool_windows(self.scores, self.clip_score)


@dataclass
class _Heard:
    """A recording on its way: windows are cut first, and scored when a batch is full."""

    stream: SampleStream
    starts: list[int] = field(default_factory=list)
    audible: list[bool] = field(default_factory=list)
    scores: list[npt.NDArray[np.float32]] = field(default_factory=list)
    ended: bool = False  # set where windows are scored: cutting is ahead of that, by a thread of its own
    error: UserError | OSError | None = None

    @property
    def complete(self) -> bool:
        return self.ended and (self.error is not None or len(self.scores) == len(self.starts))


class Samples2Scores:
    """Streams of samples → scores of their windows.

    Args:
        listener: the model.
        overlap: share of a window that the next one hears again, in [0, 1); by default the model's own, as in evaluation.
        workers: how many batches the model hears at a time, each in a thread of its own.

    Raises:
        OverlapError: if the overlap is out of its range.
    """

    def __init__(self, listener: Listener, overlap: float | None = None, workers: int = 1) -> None:
        if overlap is not None and not 0 <= overlap <= 0.99:
            raise OverlapError(f"the overlap is a share of the window, from 0 to 0.99; found {overlap}")
        self.listener, self.workers, windows = listener, workers, listener.card.windows
        self.sample_rate_hz = listener.card.sample_rate_hz
        self.window_samples = round(windows.length_s * self.sample_rate_hz)
        hop_s = windows.hop_s if overlap is None else windows.length_s * (1 - overlap)
        self.hop_samples = max(1, round(hop_s * self.sample_rate_hz))

    def __call__(self, stream: SampleStream) -> WindowScores:
        """Return the scores of one stream.

        Raises:
            AudioError: if its source cannot be used.
            OSError: if its source cannot be opened.
        """
        (result,) = self.many([stream])
        if isinstance(result, WindowScores):
            return result
        raise result

    def many(self, streams: Iterable[SampleStream]) -> Iterator[WindowScores | UserError | OSError]:
        """Yield the scores of each stream, in order, or the error that says why it has none."""
        waiting: deque[_Heard] = deque()
        batch: list[npt.NDArray[np.int16]] = []
        owners: list[_Heard] = []
        heard_of: deque[tuple[Future[npt.NDArray[np.float32]], list[_Heard]]] = (
            deque()
        )  # batches on their way, in order
        with ThreadPoolExecutor(self.workers, "listening") as pool:
            for heard, window in _ahead(self._windows(streams), AHEAD):
                if not waiting or waiting[-1] is not heard:
                    waiting.append(heard)
                if window is None:
                    heard.ended = True
                else:
                    batch.append(window)
                    owners.append(heard)
                if len(batch) == BATCH_SIZE:
                    heard_of.append((pool.submit(self._listen, batch), owners))
                    batch, owners = [], []
                while heard_of and (len(heard_of) > self.workers or heard_of[0][0].done()):
                    _hand_out(*heard_of.popleft())
                while waiting and waiting[0].complete:
                    yield self._result(waiting.popleft())
            if batch:
                heard_of.append((pool.submit(self._listen, batch), owners))
            while heard_of:
                _hand_out(*heard_of.popleft())
                while waiting and waiting[0].complete:
                    yield self._result(waiting.popleft())
        while waiting:
            yield self._result(waiting.popleft())

    def _windows(self, streams: Iterable[SampleStream]) -> Iterator[tuple[_Heard, npt.NDArray[np.int16] | None]]:
        """Yield every window of every stream, and None where a stream ends."""
        for stream in streams:
            heard = _Heard(stream)
            try:
                for start, window in stream_windows(iter(stream), self.window_samples, self.hop_samples):
                    heard.starts.append(start)
                    heard.audible.append(is_audible(window))
                    yield heard, window
            except (UserError, OSError) as error:
                heard.error = error
            yield heard, None

    def _listen(self, batch: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.float32]:
        return self.listener.windows(np.stack(batch))[:, : len(CODES)]

    def _result(self, heard: _Heard) -> WindowScores | UserError | OSError:
        if heard.error is not None:
            return heard.error
        return WindowScores(
            np.stack(heard.scores).astype(np.float64),
            np.array(heard.starts) / self.sample_rate_hz,
            np.array(heard.audible) & (not heard.stream.silent),
            self.window_samples / self.sample_rate_hz,
            heard.stream.duration_s,
            self.listener.card.windows.clip_score,
        )


def _hand_out(scores: Future[npt.NDArray[np.float32]], owners: list[_Heard]) -> None:
    """Give every window of a batch its scores, once they are there."""
    for heard, row in zip(owners, scores.result(), strict=True):
        heard.scores.append(row)


class Audio2Timeline:
    """A waveform → which instruments play in it, and when.

    Args:
        samples2scores: the rung below.
        thresholds: of each instrument, (instruments,), for scores as the model gives them.
        settings: of the timeline.
        temperature: divides the logits of the scores that are told, so that they can be read as probabilities; what is
            decided by thresholds is decided before.
    """

    def __init__(
        self,
        samples2scores: Samples2Scores,
        thresholds: FloatArray,
        settings: TimelineSettings | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.samples2scores, self.thresholds, self.temperature = samples2scores, thresholds, temperature
        self.settings = settings or TimelineSettings()

    def __call__(self, waveform: npt.ArrayLike, rate_hz: int, name: str = "") -> Prediction:
        """Return the prediction for a waveform, (frames,) or (frames, channels), int16 or floats with full scale ±1.

        Raises:
            AudioError: if it is shorter than 0.1 s or holds NaN or infinity.
        """
        stream = SampleStream.of_array(waveform, rate_hz, self.samples2scores.sample_rate_hz)
        return self.decide(self.samples2scores(stream), name)

    def decide(self, windows: WindowScores, name: str) -> Prediction:
        """Return what scores of windows mean."""
        scores = windows.clip()
        heard = np.where(windows.audible[:, None], windows.scores, 0.0)
        step_s = self.settings.step_s
        frames = frame_scores(heard, windows.starts_s, windows.length_s, windows.duration_s, step_s)
        frames = smooth(frames, step_s, self.settings.smooth_s)
        told = at_temperature(frames, self.temperature)
        segments = find_segments(frames, self.thresholds, windows.duration_s, self.settings, told)
        present, scores = scores >= self.thresholds, at_temperature(scores, self.temperature)
        return Prediction(name, windows.duration_s, scores, present, segments, told, error=None)


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
        lower = self.audio2timeline.samples2scores
        scores = lower(SampleStream.of_file(path, lower.sample_rate_hz))
        return self.audio2timeline.decide(scores, str(path) if name is None else name)


class Files2Table:
    """Audio files → one prediction a file, in order; a file that cannot be used has its error for one."""

    def __init__(self, file2timeline: File2Timeline) -> None:
        self.file2timeline = file2timeline

    def __call__(self, paths: Iterable[Path], name_of: Callable[[Path], str] = str) -> Iterator[Prediction]:
        """Yield the prediction of each file as soon as it is known."""
        audio2timeline = self.file2timeline.audio2timeline
        lower = audio2timeline.samples2scores
        names: deque[str] = deque()

        def streams() -> Iterator[SampleStream]:
            for path in paths:
                names.append(name_of(path))
                yield SampleStream.of_file(path, lower.sample_rate_hz)

        for result in lower.many(streams()):
            name = names.popleft()
            if isinstance(result, WindowScores):
                yield audio2timeline.decide(result, name)
            else:
                yield failed(name, result)


def _ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """Yield `items`, at most `depth` of them made in advance, by a thread of their own."""
    ready: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(more: bool, item: Item | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put((more, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def fill() -> None:
        try:
            for item in items:
                if not put(True, item):
                    break
            put(False, None)
        except BaseException as error:
            put(False, error)

    thread = threading.Thread(target=fill, name="decoding", daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if not more:
                if item is not None:
                    raise item  # type: ignore[misc]
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join(timeout=5.0)
