"""The command `instrumentarium review`. Heavy imports stand inside, so that `--help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well

DEFAULT_OUT = Path("overrides/review.csv")


def review(
    clip_ids: Annotated[
        list[str] | None,
        typer.Argument(
            help="Clips to review, as in clips.csv; by default what the label issues are about.", metavar="[CLIP_ID]..."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The file of overrides that decisions are written to; what is in it counts as decided.")
    ] = DEFAULT_OUT,
    issues: Annotated[Path, typer.Option(help="The ranked table of label issues.")] = Path("data/label_issues.csv"),
    split: Annotated[
        str | None, typer.Option(help="Review all clips of this split: train, validation or test.")
    ] = None,
    every_instrument: Annotated[
        bool, typer.Option("--every-instrument", help="Of named clips, or a split: ask of unlabelled instruments too.")
    ] = False,
    source: Annotated[str, typer.Option(help="Who decides: the column `source` of the decisions.")] = "review",
    host: Annotated[
        str, typer.Option(help="Address to be reached at; 127.0.0.1: from this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes any free one.", min=0, max=65535)] = 8765,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    root: Annotated[Path, typer.Option(help="The repository's root, to which paths are relative.")] = Path(),
) -> None:
    """Decide by ear which labels are right, on a page in your browser.

    The page plays each clip, shows its spectrogram, its labels and what is proposed, and writes every decision at once to a
    file of overrides, which the pipeline applies: `dvc exp run -S labels.overrides=review.csv`. Close it at any time; the
    next review goes on at the first undecided question. Ctrl-C ends it.
    """
    from instrumentarium.reviewing.opening import Choice, open_review
    from instrumentarium.reviewing.server import ReviewServer

    with ending_well():
        choice = Choice(tuple(clip_ids or ()), split, every_instrument)
        found = open_review(root, choice, issues=root / issues, out=root / out, source=source)
        with ReviewServer(found, host, port) as server:
            typer.echo(f"{len(found)} questions, {found.decided()} decided; open {server.url} (Ctrl-C ends)")
            if browser:
                import webbrowser

                webbrowser.open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                typer.echo(f"\n{found.decided()} of {len(found)} questions are decided, in {root / out}")
