"""The command `instrumentarium`: each line registers one command, which its own package holds.

The modules named here import nothing heavy, so that `--help` answers at once.
"""

import typer

from instrumentarium.predicting.command import describe, predict

app = typer.Typer(help="Which instruments play in a recording.", no_args_is_help=True, add_completion=False)


@app.callback()
def _commands() -> None:
    """Which instruments play in a recording."""


app.command()(predict)
app.command()(describe)
