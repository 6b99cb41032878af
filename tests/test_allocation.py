"""Memory that training frees is kept for its next step."""

import subprocess
import sys

import pytest

from instrumentarium import allocation

STEPS = """
import resource, sys
import torch
from instrumentarium.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()

def step():
    buffers = [torch.ones(size, 1 << 20) for size in (2, 3, 5, 7)]
    return sum(float(each[0, 0]) for each in buffers)

for _ in range(6):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(case: str) -> int:
    done = subprocess.run([sys.executable, "-c", STEPS, case], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked")
def test_the_same_buffers_are_not_cleared_by_the_system_at_every_step():
    assert page_faults("kept") < 0.5 * page_faults("given back")


def test_another_system_or_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda name: object())
    assert not allocation.keep_freed_memory()
    monkeypatch.setattr(allocation.sys, "platform", "darwin")
    assert not allocation.keep_freed_memory()
