"""Ctrl-C for commands that tests start."""

import signal


def heed_interrupts() -> None:
    """Undo what a shell does to commands it starts in the background: they ignore Ctrl-C, and so would their children.

    To be given to `subprocess.Popen` as `preexec_fn`.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
