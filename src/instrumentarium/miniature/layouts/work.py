"""Rendering many clips on all cores, handed on in the order asked, with only a few in flight."""

import collections
import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Task = TypeVar("Task")
Result = TypeVar("Result")
IN_FLIGHT = 24  # clips computed or waiting to be written; some 100 MB at most


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def worker_pool(workers: int | None = None) -> Iterator[ProcessPoolExecutor | None]:
    """Spawned processes, by default one a core; none for a single worker, whose work is done in this process."""
    count = workers or available_cores()
    if count <= 1:
        yield None
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def in_order(
    pool: ProcessPoolExecutor | None, function: Callable[[Task], Result], tasks: Sequence[Task], title: str
) -> Iterator[Result]:
    """Yield `function(task)` for every task, in their order.

    Args:
        pool: of `worker_pool`.
        function: importable from a module; its result depends on the task alone.
        tasks: what to compute.
        title: of the progress bar, which appears after two seconds.
    """
    with tqdm(total=len(tasks), desc=title, unit="clip", delay=2.0, mininterval=0.5, leave=False) as progress:
        if pool is None:
            for task in tasks:
                yield function(task)
                progress.update()
            return
        pending: collections.deque[Future[Result]] = collections.deque()
        try:
            for task in tasks:
                pending.append(pool.submit(function, task))
                if len(pending) >= IN_FLIGHT:
                    yield pending.popleft().result()
                    progress.update()
            while pending:
                yield pending.popleft().result()
                progress.update()
        finally:
            for future in pending:
                future.cancel()
