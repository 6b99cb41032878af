"""The command `instrumentarium predict`. Heavy imports stand inside, so that `--help` answers at once."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import GOOD, SOME_FAILED, ending_well, say
from instrumentarium.commands.options import (
    DEFAULT_SYSTEM,
    OR_SHIPPED_HELP,
    SYSTEM_HELP,
    THRESHOLDS_HELP,
)
from instrumentarium.predicting.choices import Backend, Device, Format


def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Audio files, folders, patterns in quotes ('songs/**/*.mp3'), pipes as <(ffmpeg …), - for standard input; "
            "with --ray also s3://bucket/folder."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help=OR_SHIPPED_HELP)] = None,
    system: Annotated[str, typer.Option(help=SYSTEM_HELP)] = DEFAULT_SYSTEM,
    thresholds: Annotated[Path | None, typer.Option(help=THRESHOLDS_HELP)] = None,
    format_: Annotated[Format, typer.Option("--format", help="How results are written.")] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write here, not to standard output. With --format jsonl a run that was cut off goes on; for several "
            "files in audacity or jams, a folder."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the timeline under the spectrogram, as PNG; for one file.")
    ] = None,
    backend: Annotated[
        Backend,
        typer.Option(
            help="What runs the model; onnxruntime takes the file that `instrumentarium export --onnx` wrote."
        ),
    ] = Backend.TORCH,
    onnx: Annotated[
        Path | None,
        typer.Option(help="The exported file; by default beside the model's folder: data/model.onnx for data/model."),
    ] = None,
    device: Annotated[
        Device, typer.Option(help="Where PyTorch runs the model; auto: on the GPU where there is one.")
    ] = Device.AUTO,
    overlap: Annotated[
        float | None,
        typer.Option(help="Share of a window that the next one covers again; by default as in evaluation."),
    ] = None,
    step_s: Annotated[float, typer.Option("--step", help="Timeline: length of a frame in s.")] = 0.5,
    smooth_s: Annotated[float, typer.Option("--smooth", help="Timeline: length of the running median in s.")] = 1.5,
    release: Annotated[
        float, typer.Option(help="Timeline: share of its threshold an instrument must keep to stay; 1: all of it.")
    ] = 0.8,
    minimum_s: Annotated[
        float, typer.Option("--minimum", help="Timeline: the shortest stretch that is reported, in s.")
    ] = 1.0,
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="For catalogues: many processes, Parquet in the folder --out, and a run that was cut off goes on.",
        ),
    ] = False,
    listing: Annotated[
        Path | None, typer.Option(help="With --ray: a file that names files, one a line, or in the column path of CSV.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="With --ray: how many processes; by default one a core.")
    ] = None,
    shard_files: Annotated[
        int | None, typer.Option(min=1, help="With --ray: files a shard of results; by default 256, or fewer.")
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="With --ray: results have the timeline.")] = False,
) -> None:
    """Report which instruments play in audio, and when.

    A file that cannot be used is reported and the others are still done. Exit status: 0 all good, 1 some files failed, 2
    wrong use.
    """
    with ending_well():
        from instrumentarium.commands.predict_catalogue import CatalogueOptions, predict_for_catalogue
        from instrumentarium.predicting.inputs import find_files, readable_name, spooled
        from instrumentarium.predicting.timeline import TimelineSettings
        from instrumentarium.predicting.writing import check_destination

        if format_ in {Format.JSON, Format.JSONL, Format.JAMS} and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # JSON has no other encoding, whatever the terminal has
        if onnx is not None and backend is not Backend.ONNXRUNTIME:
            raise typer.BadParameter("--onnx is of --backend onnxruntime; add that")
        if system != DEFAULT_SYSTEM and backend is Backend.ONNXRUNTIME:
            raise typer.BadParameter("--backend onnxruntime runs the model alone; leave --system or --backend out")
        settings = TimelineSettings(step_s, smooth_s, release, minimum_s)
        catalogue = CatalogueOptions(listing, workers, shard_files, timeline)
        if not paths and not (ray and listing is not None):
            raise typer.BadParameter("name files or folders, or with --ray a --listing of them")
        if ray:
            if out is None or format_ is not Format.TABLE or plot is not None:
                raise typer.BadParameter(
                    "--ray writes Parquet: name a folder with --out, leave --format and --plot out"
                )
            status = predict_for_catalogue(
                paths or [],
                out,
                catalogue,
                model=model,
                system=system,
                thresholds=thresholds,
                settings=settings,
                overlap=overlap,
                backend=backend,
                onnx=onnx,
                device=device,
            )
            raise typer.Exit(status)
        catalogue.check_unused()
        with spooled(paths or [], sys.stdin.buffer) as (words, pipes):
            files = find_files(words)
            if plot is not None and (len(files) != 1 or plot.suffix.lower() != ".png"):
                raise typer.BadParameter(f"--plot draws one file, as .png; found {len(files)} files and {plot.name}")
            check_destination(len(files), format_, out)

            from instrumentarium.predicting.formats import one_line
            from instrumentarium.predicting.loading import load_ladder
            from instrumentarium.predicting.record import name_run, read_done
            from instrumentarium.predicting.systems import find_scorer
            from instrumentarium.predicting.writing import open_destination
            from instrumentarium.runtime.progress import progress_bar

            def name_of(path: Path) -> str:
                return readable_name(Path(pipes.get(path, path)))

            folder = find_scorer(system, model)
            files2table = load_ladder(
                folder, thresholds, settings, overlap=overlap, backend=backend, onnx=onnx, device=device
            )
            run = name_run(files2table.audio2timeline, folder, backend)
            done = read_done(out, run) if out is not None and format_ is Format.JSONL else set()
            wanted = [
                path for path in files if path in pipes or name_of(path) not in done
            ]  # a pipe's name says nothing
            if len(wanted) < len(files):
                typer.echo(f"{len(files) - len(wanted)} of {len(files)} files are in {out} already", err=True)
            failures, notes = [], []
            with (
                progress_bar("predict", "files", total=len(wanted)) as bar,
                open_destination(len(files), format_, out, run, lambda text: say(text, bar.clear)) as write,
            ):
                for path, prediction in zip(wanted, files2table(wanted, name_of), strict=True):
                    write(Path(pipes.get(path, path)), prediction)
                    if prediction.error is not None:
                        failures.append(prediction)
                    elif plot is not None:
                        from instrumentarium.predicting.plot import draw_file

                        draw_file(plot, path, prediction, files2table.audio2timeline)
                    if prediction.note is not None and format_ is Format.AUDACITY:  # labels have no place for it
                        notes.append(f"{one_line(prediction.path)}: {prediction.note}")
                    bar.update()
        for note in notes:
            typer.echo(note, err=True)
        if failures and not (format_ is Format.TABLE and len(files) == 1 and out is None):
            typer.echo(f"{len(failures)} of {len(files)} files could not be used:", err=True)
            for failure in failures:
                typer.echo(f"  {one_line(failure.path)}: {failure.error}", err=True)
        sys.stdout.flush()
        raise typer.Exit(SOME_FAILED if failures else GOOD)
