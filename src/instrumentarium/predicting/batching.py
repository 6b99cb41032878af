"""Many recordings through a model at once: batches shared by recordings, several batches at a time, decoding ahead of them.

All threads and queues of inference are here. One thread decodes and cuts windows; each batch is scored by a thread of a
pool; the caller's thread collects the results in order. Where one core is to be used, that
thread does all of it.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.windowscores import PartialScores, Windowing, WindowScores
from instrumentarium.runtime.errors import UserError

BATCH_SIZE = 16
AHEAD = 64
"""Windows that wait for the model: 12 MB of 3 s at 32 kHz."""

Item = TypeVar("Item")
Window = npt.NDArray[np.int16]  # (samples,)
Failure = UserError | OSError
"""Why a recording has no scores."""


def in_batches(items: Iterable[Item], size: int = BATCH_SIZE) -> Iterator[list[Item]]:
    """Yield `items` in lists of `size`, the last one shorter where they don't divide."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@dataclass
class _Recording:
    """A recording on its way: its windows are cut by one thread and scored by others."""

    partial: PartialScores
    ended: bool = False  # set where windows are scored, not where they are cut
    error: Failure | None = None

    @property
    def complete(self) -> bool:
        return self.ended and (self.error is not None or self.partial.scored)

    def result(self) -> WindowScores | Failure:
        return self.partial.complete() if self.error is None else self.error


class Streams2Scores:
    """Streams of samples → the scores of each one's windows, in order, or the error that says why there are none.

    Args:
        windows2scores: scores windows, (batch, samples) → (batch, instruments); called by several threads.
        windowing: how recordings are cut.
        workers: how many batches are scored at a time; with 0, the caller's thread decodes and scores in turns.
    """

    def __init__(
        self, windows2scores: Callable[[Window], npt.NDArray[np.float32]], windowing: Windowing, workers: int = 1
    ) -> None:
        self.windows2scores, self.windowing, self.workers = windows2scores, windowing, workers

    def __call__(self, streams: Iterable[SampleStream]) -> Iterator[WindowScores | Failure]:
        """Yield the result of each stream as soon as it and those before it are known."""
        waiting: deque[_Recording] = deque()
        scoring: deque[tuple[Future[npt.NDArray[np.float32]], list[_Recording]]] = deque()  # batches, in order
        batch: list[Window] = []
        owners: list[_Recording] = []

        def finished() -> Iterator[WindowScores | Failure]:
            while waiting and waiting[0].complete:
                yield waiting.popleft().result()

        windows = self._windows(streams)
        with ThreadPoolExecutor(self.workers, "scoring") if self.workers else _Here() as pool:
            for recording, window in read_ahead(windows, AHEAD) if self.workers else windows:
                if not waiting or waiting[-1] is not recording:
                    waiting.append(recording)
                if window is None:
                    recording.ended = True
                else:
                    batch.append(window)
                    owners.append(recording)
                if len(batch) == BATCH_SIZE:
                    scoring.append((pool.submit(self._score, batch), owners))
                    batch, owners = [], []
                while scoring and (len(scoring) > self.workers or scoring[0][0].done()):
                    _assign(*scoring.popleft())
                yield from finished()
            if batch:
                scoring.append((pool.submit(self._score, batch), owners))
            while scoring:
                _assign(*scoring.popleft())
                yield from finished()
        yield from finished()

    def _windows(self, streams: Iterable[SampleStream]) -> Iterator[tuple[_Recording, Window | None]]:
        """Yield every window of every stream, and None where a stream ends."""
        for stream in streams:
            recording = _Recording(PartialScores(stream, self.windowing))
            try:
                for window in recording.partial.cut():
                    yield recording, window
            except (UserError, OSError) as error:
                recording.error = error
            except Exception as error:  # no memory, or a mistake of ours: one file must not cost the others
                recording.error = AudioError(f"not usable: {type(error).__name__}: {error}".rstrip(": "))
            yield recording, None

    def _score(self, batch: list[Window]) -> npt.NDArray[np.float32]:
        return self.windows2scores(np.stack(batch))


class _Here(Executor):
    """Does what it is given at once, in the caller's thread."""

    def submit(self, function: Callable[..., Item], /, *words: Any, **options: Any) -> Future[Item]:
        """Return the result, or the error, as what is done."""
        future: Future[Item] = Future()
        try:
            future.set_result(function(*words, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def _assign(scores: Future[npt.NDArray[np.float32]], owners: list[_Recording]) -> None:
    """Give each recording the scores of its windows in a batch, once they are there."""
    for recording, row in zip(owners, scores.result(), strict=True):
        recording.partial.scores.append(row)


def read_ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
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
