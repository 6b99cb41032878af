"""How the commands speak and end: what they write, their exit statuses, errors without a traceback."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

import typer

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.fulldisk import full_disk

GOOD, SOME_FAILED, WRONG_USE, INTERRUPTED, CLOSED = 0, 1, 2, 130, 141
"""Exit statuses; the last two are what shells give a program ended by Ctrl-C and by a closed pipe."""


@contextlib.contextmanager
def ending_well() -> Iterator[None]:
    """End with a message and a status, without a traceback, on wrong use, a full disk, a closed pipe, and Ctrl-C."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
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
