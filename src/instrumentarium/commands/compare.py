"""The command `instrumentarium compare`. Heavy imports stand inside, so that `--help` answers at once."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.runtime.errors import UserError

SIDE_HELP = (
    'A Git revision, a DVC experiment or "workspace", with ":" and a system behind it where that is not the model '
    "(HEAD:label_prior); or a table of scores ending in .csv."
)


class Format(StrEnum):
    """How a comparison is written."""

    TABLE = "table"
    JSON = "json"


class ComparedSplit(StrEnum):
    """The splits that have scores."""

    TEST = "test"
    VALIDATION = "validation"


def compare(
    a: Annotated[str, typer.Argument(help=SIDE_HELP)],
    b: Annotated[str, typer.Argument(help="The same; differences are B - A.")] = "workspace",
    format_: Annotated[
        Format, typer.Option("--format", help="A table for people, or JSON for programs.")
    ] = Format.TABLE,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the differences with their intervals to this PNG file.")
    ] = None,
    split: Annotated[ComparedSplit, typer.Option(help="The clips to compare on.")] = ComparedSplit.TEST,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of recordings, for the 95 % intervals.")] = 2000,
    permutations: Annotated[int, typer.Option(min=100, help="Exchanges of recordings, for p.")] = 2000,
    clips: Annotated[int, typer.Option(min=0, help="How many of the clips that changed most to list.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of resamples and exchanges.")] = 0,
) -> None:
    """Say whether two models differ for real: every metric, the difference, its interval and its p.

    Both are evaluated on the same clips; recordings are what is drawn anew and exchanged, since clips of one recording are
    no independent witnesses.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise typer.BadParameter(f"{plot} must end in .png", param_hint="--plot")
    from instrumentarium.comparing.comparison import compare_sides
    from instrumentarium.comparing.sides import read_sides
    from instrumentarium.comparing.table import as_table
    from instrumentarium.runtime.workspace import workspace_root

    try:
        sides = read_sides(a, b, repository=workspace_root(), split=split.value)
        found = compare_sides(
            *sides, split=split.value, resamples=resamples, permutations=permutations, seed=seed, clips=clips
        )
        if plot is not None:
            from instrumentarium.comparing.forest import draw_forest

            draw_forest(found, plot)
    except UserError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    text = json.dumps(found.content(), allow_nan=False, ensure_ascii=False, indent=2)
    typer.echo(text if format_ is Format.JSON else as_table(found))
