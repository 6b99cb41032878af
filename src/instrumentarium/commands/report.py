"""The commands `instrumentarium report` and `instrumentarium listen`.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well


def report(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    pdf: Annotated[Path | None, typer.Option(help="A folder to write the figures to as PDF, for a paper.")] = None,
    root: Annotated[Path, typer.Option(help="The repository's root.")] = Path(),
) -> None:
    """Write the pipeline's report, stamped with the commit it belongs to, and with training time and hardware.

    Says so where files differ from the commit, the commit's dvc.lock records another report, or the weights were not
    trained on this machine.
    """
    from instrumentarium.reporting.pdf import write_pdfs
    from instrumentarium.reporting.stamp import FIGURES, PAGE, origin_of, stamped, training_of
    from instrumentarium.runtime.files import write_text_atomically

    with ending_well():
        origin = origin_of(PAGE, root)
        page = stamped((root / PAGE).read_text(encoding="utf-8"), origin, training_of(root))
        write_text_atomically(out, page)
        typer.echo(f"{out}: {origin.text()}")
        if pdf is not None:
            typer.echo(f"{pdf}: {write_pdfs(root / FIGURES, pdf)} figures")


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
