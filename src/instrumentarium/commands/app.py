"""The command `instrumentarium`: each line below registers one command, which a module of its own holds.

The modules named here import nothing heavy, so that `--help` answers at once.
"""

from typing import Annotated

import typer

from instrumentarium.commands.analyse_length import analyse_length
from instrumentarium.commands.compare import compare
from instrumentarium.commands.describe import describe
from instrumentarium.commands.evaluate import evaluate
from instrumentarium.commands.export import export
from instrumentarium.commands.find_lr import find_lr
from instrumentarium.commands.predict import predict
from instrumentarium.commands.publish import describe_collection, publish
from instrumentarium.commands.relabel import label_spans, relabel_report
from instrumentarium.commands.report import listen, report
from instrumentarium.commands.review import review
from instrumentarium.commands.serve import serve
from instrumentarium.commands.show_augmentations import show_augmentations
from instrumentarium.commands.split_label import split_label

app = typer.Typer(help="Which instruments play in a recording.", no_args_is_help=True, add_completion=False)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"instrumentarium {version('instrumentarium')}")
        raise typer.Exit


@app.callback()
def _commands(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Which instruments play in a recording."""


app.command()(predict)
app.command()(serve)
app.command()(describe)
app.command()(export)
app.command("analyse-length")(analyse_length)
app.command("find-lr")(find_lr)
app.command("show-augmentations")(show_augmentations)
app.command()(compare)
app.command()(publish)
app.command("describe-collection")(describe_collection)
app.command()(evaluate)
app.command()(report)
app.command()(listen)
app.command()(review)
app.command("split-label")(split_label)
app.command("relabel-report")(relabel_report)
app.command("label-spans")(label_spans)
