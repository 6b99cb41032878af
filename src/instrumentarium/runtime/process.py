"""Settings of this process, made before any heavy library is imported.

Libraries choose by the processor which instructions they compute with, and sum in another order for another width of vector
or number of threads, so that last bits differ from one machine to the next. They look at these settings as they are loaded,
and never again.
"""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from typing import Literal

Reproducible = Literal["fast", "strict"]
"""Whether arithmetic is as fast as the processor allows, or the same on every one that has AVX2, and for any cores."""

NUMPY_BASELINE = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",  # all that the NumPy of constraints.txt may choose
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
}
"""What every x86-64 processor since 2009 can do, and no more; with AVX-512 NumPy's functions end in other last bits."""
STRICT = NUMPY_BASELINE | {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # the one that MKL keeps to on every maker's processors
    "MKL_DYNAMIC": "FALSE",
    "OMP_DYNAMIC": "FALSE",
    "OMP_NUM_THREADS": "2",  # also where there is one core, or sixteen: sums are split among threads
    "MKL_NUM_THREADS": "2",
    "NUMBA_CPU_NAME": "generic",  # librosa's compiled functions
}
"""PyTorch's own kernels, oneDNN's, MKL's and numba's as on any processor with AVX2, and always two threads.

MKL makes square roots and arc functions of tensors, logarithms to base 2 and 10 of single-precision ones, and natural
logarithms, logits and tangents of double-precision ones, from the processor's own estimates of reciprocals, in its
compatible mode too, so that last bits differ from one maker to the next (`benchmarks/arithmetic.py` compares two). What is
to be the same everywhere uses others: `rsqrt`, the natural logarithm in single precision, the `math` module.
"""


def settings_for(reproducible: Reproducible) -> dict[str, str]:
    """Return the environment that arithmetic of a kind needs; nothing is known to do for other than x86-64 processors."""
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return STRICT if reproducible == "strict" and x86 else {}


def fix_arithmetic(reproducible: Reproducible) -> None:
    """Have this process and those it starts compute as `reproducible` says; the user's own settings of the kind give way.

    Raises:
        RuntimeError: if that is strict, and NumPy or torch is loaded already and would not take notice.
    """
    settings = settings_for(reproducible)
    late = sorted({"numpy", "torch"} & sys.modules.keys())
    if settings and late and not settings.items() <= os.environ.items():
        raise RuntimeError(f"arithmetic must be fixed before {' and '.join(late)} is loaded")
    os.environ.update(settings)


@contextlib.contextmanager
def numpy_baseline() -> Iterator[None]:
    """Have what loads NumPy meanwhile, in this process or one it starts, compute alike on every x86-64 processor.

    A process that has loaded NumPy before goes on as it was.
    """
    settings = NUMPY_BASELINE if platform.machine().lower() in {"x86_64", "amd64"} else {}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def let_idle_threads_sleep() -> None:
    """Have OpenMP's idle threads spin for some microseconds and then sleep, unless the user has said otherwise.

    The C runtime's own choice, milliseconds of spinning, makes training ten times slower on a busy machine: spinning
    threads take the cores from those they wait for. Sleeping at once makes it a fifth slower on an idle one. The runtime
    reads both variables when torch is first imported; the first is for all runtimes of OpenMP, the second, which goes
    before it, for GNU's.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
