import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from children import killed_after

from instrumentarium.runtime import workers
from instrumentarium.runtime.workers import AHEAD, map_in_order, usable_cores, worker_pool

INTERRUPTED = """
import os
import time
from instrumentarium.runtime.workers import map_in_order, worker_pool

def work(task):
    os.write(1, b"begun\\n")  # whole, whichever thread comes first
    time.sleep(0.2)

with worker_pool("threads") as pool:
    for result in map_in_order(pool, work, range(1000), "work"):
        time.sleep(60)
"""


def test_only_the_cores_that_may_be_used_are_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    for counted, expected in ((7, 7), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda counted=counted: counted)
        assert usable_cores() == expected


def later_first(task: int) -> int:
    time.sleep(0.002 * (10 - task % 10))
    return task * task


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_results_come_in_the_order_of_the_tasks(monkeypatch: pytest.MonkeyPatch, cores: int):
    monkeypatch.setattr(workers, "usable_cores", lambda: cores)
    with worker_pool("threads") as pool:
        assert list(map_in_order(pool, later_first, range(50), "squares")) == [task * task for task in range(50)]


def test_processes_compute_the_same(monkeypatch: pytest.MonkeyPatch):
    results = []
    for cores in (1, 2):
        monkeypatch.setattr(workers, "usable_cores", lambda cores=cores: cores)
        with worker_pool("processes") as pool:
            assert (pool is None) == (cores == 1)  # no process is started for one core
            results.append(list(map_in_order(pool, abs, range(-20, 20), "magnitudes")))
    assert results == [[abs(task) for task in range(-20, 20)]] * 2


def test_only_a_few_tasks_are_taken_ahead(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 2)
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for task in range(60):
            taken += 1
            yield task

    with worker_pool("threads") as pool:
        for number, _ in enumerate(map_in_order(pool, later_first, tasks(), "squares"), start=1):
            assert taken - number < 2 * AHEAD
    assert taken == 60


def test_an_error_comes_at_its_place_and_ends_the_rest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)
    begun: list[int] = []

    def divide(task: int) -> float:
        begun.append(task)
        time.sleep(0.01)
        return 1 / task

    found: list[float] = []
    with pytest.raises(ZeroDivisionError), worker_pool("threads") as pool:
        found.extend(map_in_order(pool, divide, [2, 1, 0, 4, 5, 6, 7, 8], "quotients"))
    assert found == [0.5, 1.0]
    assert len(begun) < 8


def test_what_was_not_begun_is_dropped_when_the_consumer_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)
    release, begun = threading.Event(), []

    def wait(task: int) -> int:
        begun.append(task)
        if task:
            release.wait(0.2)
        return task

    def consume() -> None:
        with worker_pool("threads") as pool:
            for _ in map_in_order(pool, wait, range(50), "waits"):
                raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        consume()
    assert set(begun) <= {0, 1}


def test_ctrl_c_ends_the_work_at_once():
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with killed_after(60, process):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
        assert "KeyboardInterrupt" in error
        assert time.monotonic() - begin < 5
