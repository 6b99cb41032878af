"""How the commands speak and end: what they write, their exit statuses, errors without a traceback."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import typer

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.fulldisk import full_disk

GOOD, SOME_FAILED, WRONG_USE, INTERRUPTED, CLOSED, TERMINATED = 0, 1, 2, 130, 141, 143
"""Exit statuses; the last three are what shells give a program ended by Ctrl-C, by a closed pipe and by SIGTERM."""


class Terminated(BaseException):
    """SIGTERM came; raised where the program is, so that temporary files are removed on the way out."""


@contextlib.contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Raise Terminated where SIGTERM would end the program at once, and leave its temporary files."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Terminated

    if threading.current_thread() is not threading.main_thread():  # only there can signals be heeded
        yield
        return
    earlier = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


@contextlib.contextmanager
def ending_well() -> Iterator[None]:
    """End with a message and a status, without a traceback: wrong use, a full disk, a closed pipe, Ctrl-C, SIGTERM."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with heeding_sigterm():
            yield
    except Terminated:
        raise typer.Exit(TERMINATED) from None
    except BrokenPipeError:
        # Python flushes standard output once more as it ends; there must be something that takes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(CLOSED) from None
    except KeyboardInterrupt:
        typer.echo("\nInterrupted.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (UserError, OSError) as error:
        typer.echo(f"Error: {full_disk(error) or error}", err=True)
        raise typer.Exit(WRONG_USE) from error
    except Exception as error:
        message = full_disk(error)
        if message is None:
            raise
        typer.echo(f"Error: {message}", err=True)
        raise typer.Exit(WRONG_USE) from error


def say(text: str, make_room: Callable[[], object] = lambda: None) -> None:
    """Write to standard output at once."""
    if sys.stderr.isatty():
        make_room()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
