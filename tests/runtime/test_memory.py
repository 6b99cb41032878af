"""The most memory held is counted from when it was last reset."""

import subprocess
import sys

PEAKS = """
import numpy as np
from instrumentarium.runtime.memory import peak_mb, reset_peak_mb
block = np.ones(120_000_000, np.uint8)
del block
before = reset_peak_mb()
block = np.ones(40_000_000, np.uint8)
held = peak_mb() - before
del block
print(held, peak_mb() - before)
"""


def test_the_peak_is_of_what_was_held_since():
    # in a process of its own: this one may have freed memory at hand that holds a block without growing
    reported = subprocess.run([sys.executable, "-c", PEAKS], check=True, capture_output=True, text=True).stdout
    held, afterwards = map(float, reported.split())
    assert 30 < held < 60
    assert 30 < afterwards < 60
