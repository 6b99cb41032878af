"""Ray's actors at work on the shards: each loads the model once, one that ends is replaced, and its shard made again.

A file that ends the process that decodes it, as a crash of a decoder or a lack of memory does, is found by trying the files
of its shard one by one, and is reported as one that cannot be used.
"""

import contextlib
import logging
import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from instrumentarium.catalogue.errors import MissingRayError, WorkersError
from instrumentarium.catalogue.folder import Staged
from instrumentarium.catalogue.listing import Lot
from instrumentarium.catalogue.shard import ShardWriter
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.workers import usable_cores

STORE_BYTES = 100 << 20
"""Shared memory for what workers and this process exchange, which is names of files; Ray itself would take 30 % of all."""
FALSE_STARTS = 3
"""Workers in a row that end before they are ready, after which no other is tried."""
DEATHS = 4
"""Workers that may end over one shard."""
ENDED_TWICE = "not usable: the process that decoded and scored it ended twice (a crash, or no memory left)"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """What there is to work with."""

    workers: int
    gpu_share: float  # of a GPU, for each worker; 0 for none


@contextlib.contextmanager
def ray_cluster(workers: int | None, *, gpu: bool | None) -> Iterator[Cluster]:
    """Start Ray on this machine, or join the cluster that $RAY_ADDRESS names, and leave it at the end.

    Args:
        workers: how many; by default one a core, and on GPUs at most four each.
        gpu: whether workers are to use one; None: where there is one.

    Raises:
        MissingRayError: if Ray is not installed.
        WorkersError: if there is no such cluster, or it has no GPU and one is asked for.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers about the machine
    os.environ.setdefault("RAY_worker_niceness", "0")  # its own 15 leaves workers what no other program wants
    try:
        import ray
    except ImportError as error:
        raise MissingRayError("--ray needs the extra: pip install 'instrumentarium[scale]'") from error
    address = os.environ.get("RAY_ADDRESS", "local")
    here: dict[str, Any] = {
        "num_cpus": workers or usable_cores(),
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
    }
    earlier = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **(here if address == "local" else {}))
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise WorkersError(f"Ray cannot be reached or started at {address} ($RAY_ADDRESS): {error}") from error
    try:
        with contextlib.suppress(ValueError):  # of another than the main thread
            signal.signal(signal.SIGTERM, earlier)  # Ray has put its own in its place
        there = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = 0.0 if gpu is False else float(there.get("GPU", 0))
        if gpu and not gpus:
            raise WorkersError("--device cuda: Ray finds no GPU here; take --device cpu or auto")
        cores = int(there.get("CPU", 1))
        count = workers or (min(cores, 4 * int(gpus)) if gpus else cores)
        yield Cluster(count, min(1.0, int(10000 * gpus / count) / 10000))
    finally:
        ray.shutdown()


@dataclass
class Crew:
    """Workers that make shards.

    Attributes:
        cluster: where they run.
        writer: makes what each of them is, once and in its own process.
    """

    cluster: Cluster
    writer: Callable[[], ShardWriter]
    _busy: dict[Any, tuple[Any, Lot | None]] = field(default_factory=dict)  # by what is awaited; None: it is loading
    _again: deque[Lot] = field(default_factory=deque)
    _deaths: Counter[int] = field(default_factory=Counter)
    _unusable: dict[int, Mapping[str, str]] = field(default_factory=dict)
    _false_starts: int = 0

    def shards(self, lots: Iterator[Lot]) -> Iterator[Staged]:
        """Yield the tables of every lot as they are made, in any order; lots are taken as workers become free.

        Raises:
            WorkersError: if workers end before they are ready, or over the same shard for no reason that is found.
            UserError, OSError: what ends the run as a whole, such as a full disk.
        """
        import ray

        for _ in range(self.cluster.workers):
            if (lot := next(lots, None)) is None:
                break
            self._again.append(lot)
            self._start()
        while self._busy:
            (awaited,), _ = ray.wait(list(self._busy), num_returns=1)
            actor, lot = self._busy.pop(awaited)
            try:
                staged = ray.get(awaited)
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                if isinstance(cause, UserError | OSError):
                    raise cause from error
                raise
            except ray.exceptions.RayError as error:
                self._replace(lot, error)
                continue
            self._false_starts = 0
            self._give(actor, lots)
            if lot is not None:
                self._deaths.pop(lot.number, None)
                self._unusable.pop(lot.number, None)
                yield staged

    def _start(self) -> None:
        """Start a worker; it is free when it has loaded the model."""
        actor = self._actor()
        self._busy[actor.ready.remote()] = (actor, None)

    def _actor(self) -> Any:
        import ray

        remote = ray.remote(num_cpus=1, num_gpus=self.cluster.gpu_share, max_restarts=0)(Worker)
        return remote.remote(self.writer)

    def _give(self, actor: Any, lots: Iterator[Lot]) -> None:
        """Give a worker that is free the next lot; let it go if there is none."""
        lot = self._again.popleft() if self._again else next(lots, None)
        if lot is not None:
            self._busy[actor.write.remote(lot, self._unusable.get(lot.number, {}))] = (actor, lot)

    def _replace(self, lot: Lot | None, error: Exception) -> None:
        """Start another worker in the place of one that ended, over `lot` or before it was ready."""
        reason = _reason(error)
        if lot is None:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise WorkersError(f"workers end as they start: {reason}; what is done is kept") from error
        else:
            self._deaths[lot.number] += 1
            logger.warning("a worker ended over shard %d, which is made again: %s", lot.number, reason)
            if self._deaths[lot.number] >= DEATHS:
                raise WorkersError(
                    f"{DEATHS} workers ended over shard {lot.number} ({reason}), and none over one of its files alone; "
                    "fewer --workers leave more memory to each; what is done is kept, so run the same again"
                ) from error
            if self._deaths[lot.number] % 2 == 0:
                self._unusable[lot.number] = dict.fromkeys(self._find_deadly(lot), ENDED_TWICE)
            self._again.appendleft(lot)
        self._start()

    def _find_deadly(self, lot: Lot) -> list[str]:
        """Return the files that end a worker when they are its only one, twice; the other workers go on meanwhile."""
        import ray

        deadly, actor = [], self._loaded()
        for name in lot.names:
            for attempt in (1, 2):
                try:
                    ray.get(actor.probe.remote(name))
                    break
                except ray.exceptions.RayTaskError:
                    break  # an error, and the process lives: that is for `write` to meet
                except ray.exceptions.RayError:
                    actor = self._loaded()
                    if attempt == 2:
                        deadly.append(name)
        return deadly

    def _loaded(self) -> Any:
        """Return a worker that has loaded the model, so that what ends it next is a file's doing."""
        import ray

        for attempt in range(FALSE_STARTS):
            actor = self._actor()
            try:
                ray.get(actor.ready.remote())
                break
            except ray.exceptions.RayError as error:
                if attempt == FALSE_STARTS - 1:
                    raise WorkersError(f"workers end as they start: {_reason(error)}; what is done is kept") from error
        return actor


class Worker:
    """A `ShardWriter` in a process of its own."""

    def __init__(self, writer: Callable[[], ShardWriter]) -> None:
        self.writer = writer()

    def ready(self) -> None:
        """Return when the model is loaded."""
        self.writer.ready()

    def probe(self, name: str) -> None:
        """See `ShardWriter.probe`."""
        self.writer.probe(name)

    def write(self, lot: Lot, unusable: Mapping[str, str]) -> Staged:
        """See `ShardWriter.write`."""
        return self.writer.write(lot, unusable)


def _reason(error: Exception) -> str:
    """Return what Ray says of a worker that ended, on one line; of one that an error kept from starting, that error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if "creation task" in lines[0] else lines[0]
