"""Windows of all clients in shared batches: whatever waits when the model is free is its next batch.

So a lone client waits for nobody, and under load batches fill by themselves. A client has no more than a batch of windows
waiting, so that a long recording does not keep short ones out.
"""

import queue
import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from instrumentarium.predicting.batching import BATCH_SIZE

Window = npt.NDArray[np.int16]  # (samples,)
Scores = npt.NDArray[np.float32]  # (windows, instruments)
LOOK_S = 0.2
"""How often a client that waits looks whether it is still wanted."""


class UnwantedError(Exception):
    """Whoever asked for scores is gone."""


class _Order:
    """Some windows of one client, and their scores as they come."""

    def __init__(self, size: int) -> None:
        self.rows: list[Scores | None] = [None] * size
        self.missing, self.lock = size, threading.Lock()
        self.done, self.error, self.dropped = threading.Event(), None, False

    error: BaseException | None

    def put(self, place: int, row: Scores) -> None:
        self.rows[place] = row
        with self.lock:
            self.missing -= 1
            if not self.missing:
                self.done.set()

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.done.set()


class Batcher:
    """Scores windows of many threads in shared batches.

    Args:
        windows2scores: windows, (batch, samples) → (batch, instruments); called by several threads.
        workers: batches scored at a time.
        observe: is called with the size of each batch.
    """

    def __init__(
        self,
        windows2scores: Callable[[npt.NDArray[np.int16]], Scores],
        workers: int,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._windows2scores, self._observe = windows2scores, observe
        self._waiting: queue.SimpleQueue[tuple[_Order, int, Window] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name="scoring", daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def works(self) -> bool:
        """Whether there is still a thread for every worker."""
        return all(thread.is_alive() for thread in self._threads)

    def score(self, windows: Sequence[Window], unwanted: threading.Event) -> Scores:
        """Return the scores of windows, (windows, instruments); waits for them.

        Raises:
            UnwantedError: as soon as `unwanted` is set.
        """
        order = _Order(len(windows))
        for place, window in enumerate(windows):
            self._waiting.put((order, place, window))
        while not order.done.wait(LOOK_S):
            if unwanted.is_set():
                order.dropped = True
                raise UnwantedError
        if order.error is not None:
            raise order.error
        return np.stack([row for row in order.rows if row is not None])

    def close(self) -> None:
        """End the threads, after what they do now."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            if not batch:
                continue
            self._observe(len(batch))
            try:
                scores = self._windows2scores(np.stack([window for _, _, window in batch]))
            except BaseException as error:
                for order, _, _ in batch:
                    order.fail(error)
                continue
            for (order, place, _), row in zip(batch, scores, strict=True):
                order.put(place, row)

    def _next_batch(self) -> list[tuple[_Order, int, Window]] | None:
        """Return what waits, as far as it is wanted; waits for the first; None when it is over."""
        batch: list[tuple[_Order, int, Window]] = []
        while len(batch) < BATCH_SIZE:
            try:
                item = self._waiting.get(block=not batch)
            except queue.Empty:
                break
            if item is None:
                if not batch:
                    return None
                self._waiting.put(None)  # for the next round
                break
            if not item[0].dropped:
                batch.append(item)
        return batch
