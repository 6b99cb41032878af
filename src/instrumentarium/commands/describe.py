"""The command `instrumentarium describe`. Heavy imports stand inside, so that `--help` answers at once."""

from enum import StrEnum
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well, say
from instrumentarium.commands.options import OR_SHIPPED_HELP


class Description(StrEnum):
    """How a model's description is written."""

    TABLE = "table"
    JSON = "json"


def describe(
    model: Annotated[str | None, typer.Argument(help=OR_SHIPPED_HELP)] = None,
    format_: Annotated[
        Description, typer.Option("--format", help="The essentials, or all that model.json holds.")
    ] = Description.TABLE,
) -> None:
    """Report what a model is: network, input, instruments, what it was trained on. Runs no code from its files."""
    with ending_well():
        from instrumentarium.models.modelfile import load_model
        from instrumentarium.predicting.description import as_table
        from instrumentarium.predicting.modelsource import README, default_model, find_model

        folder = default_model() if model is None else find_model(model)
        network, card = load_model(folder)
        if format_ is Description.JSON:
            say(card.model_dump_json(indent=2))
        else:
            page = folder / README
            say(as_table(card, sum(tensor.numel() for tensor in network.parameters()), page if page.exists() else None))
