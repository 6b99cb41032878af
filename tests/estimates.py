"""What MKL computes with the processor's own estimates of reciprocals and roots, which differ from one maker to the next.

MKL's compatible mode leaves them in for the functions listed here, found by comparing the results on an AMD processor with
those on an emulated one whose estimates are exact (`benchmarks/arithmetic.py`). Strict arithmetic must do without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

ESTIMATED = {"sqrt", "acos", "asin", "atan", "log10", "log2"}
"""Of any floating-point numbers: square roots and arc functions often, these logarithms in one of a million results."""
ESTIMATED_DOUBLE = {"log", "tan", "logit"}
"""Of double ones."""


class _Watch(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__.removesuffix("_")
        first = args[0] if args else None
        many = isinstance(first, torch.Tensor) and first.device.type == "cpu" and first.dim() > 0
        root = name == "pow" and isinstance(args[1], float) and args[1] == 0.5
        double = many and first.dtype == torch.float64
        if many and (name in ESTIMATED or root or (double and name in ESTIMATED_DOUBLE)):
            self.seen.add(f"{name} of {first.dtype}")
        return func(*args, **(kwargs or {}))


@contextmanager
def estimates() -> Iterator[set[str]]:
    """Collect the operations with estimates that are asked for meanwhile."""
    watch = _Watch()
    with watch:
        yield watch.seen
