"""The commands `instrumentarium report` and `instrumentarium listen`.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well


def report(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    root: Annotated[Path, typer.Option(help="The repository's root.")] = Path(),
) -> None:
    """Write the pipeline's report, stamped with the commit it belongs to.

    Says so where files differ from the commit, or the commit's dvc.lock records another report.
    """
    from instrumentarium.reporting.stamp import PAGE, origin_of, stamped
    from instrumentarium.runtime.files import write_text_atomically

    with ending_well():
        origin = origin_of(PAGE, root)
        write_text_atomically(out, stamped((root / PAGE).read_text(encoding="utf-8"), origin))
        typer.echo(f"{out}: {origin.text()}")


def listen(
    clip_id: Annotated[str, typer.Argument(help="The clip, as in clips.csv and in the report: <corpus>/<path>.")],
    out: Annotated[Path, typer.Option(help="The WAV file to write.")],
    root: Annotated[Path, typer.Option(help="The repository's root.")] = Path(),
) -> None:
    """Write a clip's stored samples to a WAV file: what the model scored, mono, at the sample store's rate."""
    from instrumentarium.reporting.listening import export_clip
    from instrumentarium.runtime.section import DeclaredParams, read_yaml

    with ending_well():
        params = DeclaredParams(read_yaml(root / "params.yaml"), "(none)")
        folder = root / "data" / "clips" / params.read("collection", str)
        seconds = export_clip(clip_id, folder, out, params.read("audio.sample_rate_hz", int))
        typer.echo(f"{out}: {seconds:.2f} s")
