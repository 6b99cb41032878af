"""A few child processes that decode uploads. One that dies, or is not wanted any more, is replaced."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import instrumentarium
from instrumentarium.serving.decodingchild import READY
from instrumentarium.serving.limits import Limits
from instrumentarium.serving.refusals import BadUploadError, UnprocessableError

BLOCK_SAMPLES = 1 << 18
MOST_TASKS = 500
"""After so many uploads a child is replaced: whatever a library has not given back is."""
SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class Decoded:
    """Samples that a child has written: mono, int16, at the model's rate; they are read block by block."""

    path: Path
    duration_s: float
    silent: bool

    def __iter__(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the samples in order, (n,) each."""
        with self.path.open("rb") as file:
            while len(block := np.fromfile(file, np.int16, BLOCK_SAMPLES)):
                yield block


class Decoders:
    """Child processes that decode, `limits.decoders` of them.

    Attributes:
        replaced: how many were killed or died.
    """

    def __init__(self, limits: Limits, sample_rate_hz: int) -> None:
        self._limits, self.replaced = limits, 0
        options = {
            "memory_bytes": limits.decode_memory_mb * 1_000_000,
            "file_bytes": round((limits.audio_s + 60) * sample_rate_hz * 2) + SPARE_BYTES,
            "processor_s": limits.decode_s,
            "sample_rate_hz": sample_rate_hz,
            "longest_s": limits.audio_s,
        }
        # -P: nothing in the working directory is imported
        self._command = [sys.executable, "-P", "-m", "instrumentarium.serving.decodingchild", json.dumps(options)]
        self._idle: asyncio.LifoQueue[_Child | None] = asyncio.LifoQueue()
        self._children: set[_Child] = set()

    async def start(self) -> None:
        """Start all children, so that the first upload waits for none."""
        for child in await asyncio.gather(*(self._spawn() for _ in range(self._limits.decoders))):
            self._idle.put_nowait(child)

    async def _spawn(self) -> "_Child":
        source = str(Path(instrumentarium.__file__).resolve().parents[1])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join(paths),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LANG": "C.UTF-8",
        }
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's
        )
        child = _Child(process)
        self._children.add(child)
        try:
            if not await child.is_ready():
                raise RuntimeError(f"a process that decodes does not start: status {await process.wait()}")
        except BaseException:
            self._children.discard(child)
            child.kill()
            raise
        return child

    async def decode(self, source: Path, target: Path) -> Decoded:
        """Return the samples of `source`, which a child writes to `target`. Cancelled, it kills the child.

        Raises:
            BadUploadError: if it is no audio that can be used.
            UnprocessableError: if it is too long, or takes more memory or processor time than a child has.
        """
        child = await self._idle.get()
        kept: _Child | None = None
        try:
            if child is None:
                child = await self._spawn()
            answer = await child.ask({"source": str(source), "target": str(target)})
            if answer is not None and child.tasks < MOST_TASKS:
                kept = child
        finally:
            self._idle.put_nowait(kept)
            if child is not None and kept is None:
                self.replaced += child.tasks < MOST_TASKS
                self._children.discard(child)
                child.kill()
                await child.process.wait()  # it writes no more
        if answer is None:
            status = await child.process.wait()
            raise UnprocessableError(_why(status, self._limits))
        if answer["outcome"] == "too long":
            raise UnprocessableError(
                f"the recording is longer than {self._limits.audio_s:g} s, the most this server takes"
            )
        if answer["outcome"] == "refused":
            raise BadUploadError(str(answer["reason"]))
        return Decoded(target, float(str(answer["duration_s"])), bool(answer["silent"]))

    async def close(self) -> None:
        """End all children."""
        for child in self._children:
            child.kill()
        for child in self._children:
            await child.process.wait()
        self._children.clear()


def _why(status: int, limits: Limits) -> str:
    if status == -signal.SIGXCPU:
        return f"decoding takes more than {limits.decode_s} s of processor time, the most this server gives it"
    return (
        f"decoding ended the process that decodes (status {status}); it may take more memory than the server gives it"
    )


class _Child:
    """One process, which has one task at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.tasks = process, 0

    async def is_ready(self) -> bool:
        """Wait until it takes tasks; return whether it does."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip() == READY

    async def ask(self, task: dict[str, str]) -> dict[str, object] | None:
        """Return the answer to a task, or None if the process ended before."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.tasks += 1
        line = b""
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def kill(self) -> None:
        """End it at once."""
        # not by Process.kill: it would take the status of one that has died from those who wait for it
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
