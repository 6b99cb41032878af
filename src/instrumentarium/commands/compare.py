"""The command `instrumentarium compare`. Heavy imports stand inside, so that `--help` answers at once."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.runtime.errors import UserError

SIDE_HELP = (
    'A Git revision, a DVC experiment or "workspace", with ":" and a system behind it where that is not the model '
    "(HEAD:label_prior); or a table of scores ending in .csv."
)


MOST_COMPARED = 2
"""More systems than these are runs, of which there is a mean."""


class Format(StrEnum):
    """How a comparison is written."""

    TABLE = "table"
    JSON = "json"


class ComparedSplit(StrEnum):
    """The splits that have scores."""

    TEST = "test"
    VALIDATION = "validation"


def compare(
    systems: Annotated[list[str], typer.Argument(help=SIDE_HELP, metavar="A [B [C]...]")],
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
    """Say whether two models differ for real: every metric, the difference B - A, its interval and its p.

    Both are evaluated on the same clips; recordings are what is drawn anew and exchanged, since clips of one recording are
    no independent witnesses. B is the workspace where it is left out. More than two are taken for runs of one thing, by
    seed or by fold: each one's metrics, their mean and standard deviation.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise typer.BadParameter(f"{plot} must end in .png", param_hint="--plot")
    if plot is not None and len(systems) > MOST_COMPARED:
        raise typer.BadParameter("differences can be drawn of two systems only", param_hint="--plot")
    from instrumentarium.comparing.comparison import compare_sides
    from instrumentarium.comparing.runs import gather_runs, runs_as_table
    from instrumentarium.comparing.sides import read_sides
    from instrumentarium.comparing.table import as_table

    try:
        names = systems if len(systems) > 1 else [*systems, "workspace"]
        sides = read_sides(*names, repository=Path(), split=split.value)
        if len(sides) > MOST_COMPARED:
            runs = gather_runs(sides, split.value)
            typer.echo(_as_json(runs.content()) if format_ is Format.JSON else runs_as_table(runs))
            return
        found = compare_sides(
            sides[0],
            sides[1],
            split=split.value,
            resamples=resamples,
            permutations=permutations,
            seed=seed,
            clips=clips,
        )
        if plot is not None:
            from instrumentarium.comparing.forest import draw_forest

            draw_forest(found, plot)
    except UserError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(_as_json(found.content()) if format_ is Format.JSON else as_table(found))


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)
