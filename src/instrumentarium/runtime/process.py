"""Settings of this process, made before any heavy library is imported."""

import os


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
