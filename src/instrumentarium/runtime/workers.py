"""Work shared among the cores: how many there are, pools of threads or processes, and a map over them that keeps order."""

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Literal, TypeVar

from instrumentarium.runtime.progress import progress_bar

AHEAD = 4
"""Tasks that are with the pool at a time, computed or waiting, for each core."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may use, which a scheduler or container can hold below those there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def worker_pool(kind: Literal["threads", "processes"]) -> Iterator[Executor | None]:
    """Yield a pool of one worker a core; at its end, also after an error or Ctrl-C, what was not begun is dropped.

    Threads serve where libraries release the interpreter. Processes are spawned, not forked, since libraries have threads
    of their own; on a single core there is None, since the work is done sooner in this process.
    """
    cores = usable_cores()
    if kind == "processes" and cores == 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ThreadPoolExecutor(cores) if kind == "threads" else ProcessPoolExecutor(cores, mp_context=spawn)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def map_in_order(
    pool: Executor | None, function: Callable[[Task], Result], tasks: Iterable[Task], title: str, unit: str = "clips"
) -> Iterator[Result]:
    """Yield `function(task)` for every task, in their order, computed by the pool.

    Args:
        pool: of `worker_pool`; None computes here, one task after the other.
        function: for processes, importable from a module.
        tasks: taken one by one, and only AHEAD a core before the one whose result is yielded, which bounds the memory.
        title: of the progress bar.
        unit: what it counts.
    """
    with progress_bar(title, unit, total=len(tasks) if isinstance(tasks, Sized) else None) as bar:
        if pool is None:
            for task in tasks:
                yield function(task)
                bar.update()
            return
        ahead = AHEAD * usable_cores()
        pending: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                pending.append(pool.submit(function, task))
                if len(pending) >= ahead:
                    yield pending.popleft().result()
                    bar.update()
            while pending:
                yield pending.popleft().result()
                bar.update()
        finally:
            for future in pending:
                future.cancel()
