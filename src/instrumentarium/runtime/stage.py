"""What every stage script does around its work: logging to the terminal, and errors a person can use."""

import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.fulldisk import full_disk


def run(main: Callable[..., Any]) -> None:
    """Run `main` as a command; a UserError or a full disk ends it with a message and status 1, without a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("pytorch_lightning", "lightning", "lightning_fabric"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        typer.run(main)
    except UserError as error:
        _end(str(error))
    except Exception as error:
        message = full_disk(error)
        if message is None:
            raise
        _end(message)


def _end(message: str) -> NoReturn:
    logging.getLogger("instrumentarium").error("\nError: %s", message)
    sys.exit(1)
