"""Independent seeds for independent purposes, all derived from the one in params.yaml.

A draw depends on what it is for (seed, purpose, epoch, batch), never on the order or the process in which it is made, so a
resumed or parallel run draws the same.
"""

import hashlib


def derive_seed(seed: int, purpose: str, *counters: int) -> int:
    """Return a 63-bit seed that is a function of the arguments alone."""
    text = "/".join([str(seed), purpose, *(str(counter) for counter in counters)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
