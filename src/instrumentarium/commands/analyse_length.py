"""The command `instrumentarium analyse-length`.

Heavy imports stand inside the command, so that `--help` answers at once.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import SOME_FAILED, ending_well, say
from instrumentarium.commands.options import DEFAULT_MODEL, MODEL_HELP, THRESHOLDS_HELP


class LengthFormat(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


def analyse_length(
    audio: Annotated[Path, typer.Argument(help="An audio file; it is repeated where it is shorter than a length.")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = DEFAULT_MODEL,
    thresholds: Annotated[Path | None, typer.Option(help=THRESHOLDS_HELP)] = None,
    lengths: Annotated[
        str, typer.Option(help="Lengths in s, parted by commas; from 0.1 s to 36000 s, ten hours.")
    ] = "0.1,1,5,10,60,300,1800,3600",
    start_s: Annotated[float, typer.Option("--start", help="Where in the file every length begins, in s.")] = 0.0,
    format_: Annotated[LengthFormat, typer.Option("--format", help="How results are written.")] = LengthFormat.TABLE,
    plot: Annotated[Path | None, typer.Option(help="Draw scores, time and memory by length, as PNG.")] = None,
) -> None:
    """Report how scores, time and memory depend on length: the same audio from 0.1 s to an hour.

    Time is on the clock and holds decoding; memory is what was held above the loaded model. A star marks what plays. Exit
    status: 0 all good, 1 the file cannot be used, 2 wrong use.
    """
    if plot is not None and plot.suffix.lower() != ".png":
        raise typer.BadParameter(f"--plot draws a .png; found {plot.name}")
    with ending_well():
        try:
            wanted = [float(part) for part in lengths.split(",")]
        except ValueError as error:
            raise typer.BadParameter(f"--lengths are numbers parted by commas; found {lengths!r}") from error

        from instrumentarium.decoding.pcm import AudioError
        from instrumentarium.predicting.formats import one_line
        from instrumentarium.predicting.inputs import readable_name
        from instrumentarium.predicting.lengths import as_json, as_table, predict_lengths
        from instrumentarium.predicting.loading import load_ladder
        from instrumentarium.predicting.modelsource import find_model
        from instrumentarium.runtime.progress import progress_bar

        files2table, found = load_ladder(find_model(model), thresholds), []
        try:
            with progress_bar("predict", "s of audio", total=round(sum(wanted))) as bar:
                for one in predict_lengths(audio, files2table, wanted, start_s):
                    found.append(one)
                    bar.update(round(one.length_s))
        except (AudioError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            typer.echo(f"{one_line(readable_name(audio))}: {reason}", err=True)
            raise typer.Exit(SOME_FAILED) from error
        say(as_json(found) if format_ is LengthFormat.JSON else as_table(found))
        if plot is not None:
            from instrumentarium.predicting.lengthplot import draw_lengths

            draw_lengths(plot, one_line(Path(readable_name(audio)).name), found)
