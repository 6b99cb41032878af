"""One model for many clients: who is let in, and what happens to an upload until its prediction is there."""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from starlette.requests import ClientDisconnect, Request

from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.loading import model_card
from instrumentarium.serving.batcher import Batcher
from instrumentarium.serving.decoders import Decoders
from instrumentarium.serving.limits import Limits
from instrumentarium.serving.monitoring import Monitoring
from instrumentarium.serving.recognition import recognise
from instrumentarium.serving.refusals import BusyError, LateError, SlowUploadError
from instrumentarium.serving.uploads import receive

RETRY_AFTER_S = 2
"""Told to those who find the house full; most requests take less."""
MOST_THREADS = 32
"""Recordings whose windows are being cut at a time: two batches' worth of short clips."""

Result = TypeVar("Result")


class Service:
    """A model, the processes that decode for it, and the threads that score.

    Args:
        files2table: the ladder of the model.
        limits: what clients may ask.
    """

    def __init__(self, files2table: Files2Table, limits: Limits) -> None:
        self.limits, self.monitoring = limits, Monitoring()
        self.audio2timeline = files2table.audio2timeline
        self.card = model_card(files2table)
        self._workers = files2table.streams2scores.workers
        self._in_house = 0
        self.monitoring.in_house.set_function(lambda: self._in_house)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start processes and threads, and end them."""
        samples2scores = self.audio2timeline.samples2scores
        windows2scores = samples2scores.windows2scores
        self._decoders = Decoders(self.limits, samples2scores.sample_rate_hz)
        self.monitoring.replaced.set_function(lambda: self._decoders.replaced)
        self._batcher = Batcher(windows2scores, self._workers, self.monitoring.batches.observe)
        self._pool = ThreadPoolExecutor(min(self.limits.queue, MOST_THREADS), "recognising")
        with tempfile.TemporaryDirectory(prefix="instrumentarium-serve-") as folder:
            self._folder = Path(folder)
            try:
                await self._decoders.start()
                window = np.zeros((1, samples2scores.windowing.length_samples), np.int16)
                await asyncio.to_thread(windows2scores, window)  # what libraries take at first use is no client's
                yield
            finally:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._batcher.close()
                await self._decoders.close()

    @property
    def healthy(self) -> bool:
        """Whether it can answer."""
        return self._batcher.works

    async def predict(self, request: Request, *, frames: bool) -> dict[str, object]:
        """Return the prediction for the audio in a request's body; of a client that leaves, nothing is left.

        Raises:
            RefusalError: of the kind that says why there is none.
            ClientDisconnect: if the client left.
        """
        if self._in_house >= self.limits.queue:
            raise BusyError(
                f"the server has {self.limits.queue} requests in hand, as many as it takes; try again",
                {"Retry-After": str(RETRY_AFTER_S)},
            )
        self._in_house += 1
        deadline = asyncio.get_running_loop().time() + self.limits.request_s
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as name:
                upload = Path(name) / "upload"
                try:
                    async with asyncio.timeout_at(deadline):
                        shown = await receive(request.stream(), request.headers, upload, self.limits.upload_bytes)
                except TimeoutError as error:
                    raise SlowUploadError(f"the body was not there within {self.limits.request_s:g} s") from error
                try:
                    async with asyncio.timeout_at(deadline):
                        return await unless_gone(request, self._recognise(upload, shown, frames=frames))
                except TimeoutError as error:
                    raise LateError(f"there was no prediction within {self.limits.request_s:g} s; try again") from error
        finally:
            self._in_house -= 1

    async def _recognise(self, upload: Path, shown: str, *, frames: bool) -> dict[str, object]:
        began = time.perf_counter()
        decoded = await self._decoders.decode(upload, upload.with_name("samples"))
        self.monitoring.decoding.observe(time.perf_counter() - began)
        upload.unlink()
        unwanted = threading.Event()
        work = partial(recognise, self.audio2timeline, self._batcher, decoded, shown, unwanted, frames=frames)
        try:
            content = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            unwanted.set()
        self.monitoring.audio.inc(decoded.duration_s)
        return content


async def unless_gone(request: Request, work: Coroutine[None, None, Result]) -> Result:
    """Return the result of `work`, which is cancelled as soon as the client has left.

    Raises:
        ClientDisconnect: if it has.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_departure(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _departure(receive_message: Callable[[], Awaitable[object]]) -> None:
    """Return once the client has left; its body has been read."""
    while True:
        message = await receive_message()
        if isinstance(message, dict) and message["type"] == "http.disconnect":
            return
