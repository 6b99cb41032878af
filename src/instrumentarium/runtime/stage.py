"""What every stage script does around its work: logging to the terminal, and errors a person can use."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import typer

from instrumentarium.runtime.errors import UserError


def run(main: Callable[..., Any]) -> None:
    """Run `main` as a command; a UserError ends it with its message and status 1, without a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("pytorch_lightning", "lightning", "lightning_fabric"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        typer.run(main)
    except UserError as error:
        logging.getLogger("instrumentarium").error("\nError: %s", error)  # noqa: TRY400
        sys.exit(1)
