"""The commands that use a model: `instrumentarium predict` and `instrumentarium describe`.

Heavy imports stand inside the functions, so that `--help` answers at once.
"""

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from instrumentarium.commands.console import GOOD, SOME_FAILED, ending_well, say
from instrumentarium.predicting.modelnames import DEFAULT_MODEL, MODEL_HELP, Backend
from instrumentarium.tables.taxonomy import NAMES

if TYPE_CHECKING:
    from instrumentarium.predicting.ladder import Files2Table
    from instrumentarium.predicting.result import Prediction

STDIN = "-"


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    AUDACITY = "audacity"
    JAMS = "jams"


SINGLE = {Format.AUDACITY: ".txt", Format.JAMS: ".jams"}
"""Formats that hold one recording, and how their files end."""


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(help="Audio files, folders, patterns in quotes ('songs/**/*.mp3'), or - for standard input."),
    ],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = DEFAULT_MODEL,
    thresholds: Annotated[
        Path | None, typer.Option(help="Thresholds; by default thresholds.json in the model's folder or beside it.")
    ] = None,
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
    overlap: Annotated[
        float | None, typer.Option(help="Share of a window heard again by the next; by default as in evaluation.")
    ] = None,
    step_s: Annotated[float, typer.Option("--step", help="Timeline: length of a frame in s.")] = 0.5,
    smooth_s: Annotated[float, typer.Option("--smooth", help="Timeline: length of the running median in s.")] = 1.5,
    release: Annotated[
        float, typer.Option(help="Timeline: share of its threshold an instrument must keep to stay; 1: all of it.")
    ] = 0.8,
    minimum_s: Annotated[
        float, typer.Option("--minimum", help="Timeline: the shortest stretch that is told, in s.")
    ] = 1.0,
) -> None:
    """Say which instruments play in audio, and when.

    A file that cannot be used is reported and the others are still done. Exit status: 0 all good, 1 some files failed, 2
    wrong use.
    """
    with ending_well(), contextlib.ExitStack() as stack:
        from instrumentarium.predicting.inputs import find_files, readable_name
        from instrumentarium.predicting.timeline import TimelineSettings

        if format_ in {Format.JSON, Format.JSONL, Format.JAMS} and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # JSON has no other encoding, whatever the terminal has
        if onnx is not None and backend is not Backend.ONNXRUNTIME:
            raise typer.BadParameter("--onnx is of --backend onnxruntime; add that")
        settings = TimelineSettings(step_s, smooth_s, release, minimum_s)
        files, spooled = _with_stdin(paths, stack, find_files)

        def name_of(path: Path) -> str:
            return STDIN if path == spooled else readable_name(path)

        _check(files, format_, out, plot)

        from instrumentarium.predicting.ladder import File2Timeline, Files2Table
        from instrumentarium.predicting.loading import load_timeline
        from instrumentarium.predicting.modelsource import find_model

        folder = find_model(model)
        audio2timeline = load_timeline(folder, thresholds, settings, overlap=overlap, backend=backend, onnx=onnx)
        table = Files2Table(File2Timeline(audio2timeline))
        run = _name_run(table, folder, backend)
        status = _write(table, run, files, name_of, format_, out, plot)
        sys.stdout.flush()
        raise typer.Exit(status)


def _with_stdin(
    words: list[str], stack: contextlib.ExitStack, find_files: Callable[[list[str]], list[Path]]
) -> tuple[list[Path], Path | None]:
    """Return the files meant, standard input among them as a temporary file, and that file."""
    if STDIN not in words:
        return find_files(words), None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="instrumentarium-"))
    spooled = Path(folder) / "stdin"
    with spooled.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return find_files([str(spooled) if word == STDIN else word for word in words]), spooled


def _check(files: list[Path], format_: Format, out: Path | None, plot: Path | None) -> None:
    """Say before any work what cannot be done."""
    if plot is not None and (len(files) != 1 or plot.suffix.lower() != ".png"):
        raise typer.BadParameter(f"--plot draws one file, as .png; found {len(files)} files and {plot.name}")
    if format_ in SINGLE and len(files) != 1 and out is None:
        raise typer.BadParameter(
            f"--format {format_} holds one recording, and there are {len(files)}; name a folder with --out"
        )
    if out is not None and out.is_dir() and not (format_ in SINGLE and len(files) != 1):
        raise typer.BadParameter(f"--out {out} is a folder; name a file")


def _name_run(table: "Files2Table", folder: Path, backend: Backend) -> str:
    """Return a name for the model and the settings that a table is made with."""
    from dataclasses import asdict

    from instrumentarium.runtime.cache import fingerprint

    audio2timeline = table.file2timeline.audio2timeline
    values = {
        "hop_samples": audio2timeline.samples2scores.hop_samples,
        "thresholds": audio2timeline.thresholds.tolist(),
        "temperature": audio2timeline.temperature,
        "timeline": asdict(audio2timeline.settings),
        "backend": backend.value,
    }
    return fingerprint(values, [folder / "model.json", folder / "model.safetensors"])[:12]


def _write(
    table: "Files2Table",
    run: str,
    files: list[Path],
    name_of: Callable[[Path], str],
    format_: Format,
    out: Path | None,
    plot: Path | None,
) -> int:
    """Predict for all files, write what is asked for, report those that failed; return the exit status."""
    from instrumentarium.predicting import formats, record
    from instrumentarium.runtime.files import write_text_atomically
    from instrumentarium.runtime.progress import progress_bar

    failures: list[Prediction] = []
    kept: list[Prediction] = []
    resuming = out is not None and format_ is Format.JSONL
    done = record.read_done(out, run) if resuming and out is not None else set()
    wanted = [path for path in files if name_of(path) not in done]
    if done and len(wanted) < len(files):
        typer.echo(f"{len(files) - len(wanted)} of {len(files)} files are in {out} already", err=True)
    with contextlib.ExitStack() as stack:
        append = stack.enter_context(record.open_record(out, run)) if resuming and out is not None else None
        bar = stack.enter_context(progress_bar("predict", "files", total=len(wanted)))
        for prediction in table(wanted, name_of):
            if prediction.error is not None:
                failures.append(prediction)
            if append is not None:
                append(prediction)
            elif format_ is Format.JSONL:
                say(record.line_of(prediction, run), bar.clear)
            elif format_ is Format.TABLE and out is None:
                say(formats.as_table(prediction), bar.clear)
            else:
                kept.append(prediction)
            if plot is not None and prediction.error is None:
                _draw(plot, prediction, wanted[0], table)
            bar.update()
    if format_ in SINGLE and out is not None and len(files) != 1:
        for path, prediction in zip(wanted, kept, strict=True):
            if prediction.error is None:
                write_text_atomically(_place(out, path, SINGLE[format_]), _text(kept=[prediction], format_=format_))
    elif kept or format_ in {Format.JSON, Format.CSV}:
        usable = [found for found in kept if found.error is None] if format_ in SINGLE else kept
        if usable or format_ not in SINGLE:
            text = _text(usable, format_)
            if out is None:
                say(text)
            else:
                write_text_atomically(out, text + "\n")
    if failures and not (format_ is Format.TABLE and len(files) == 1 and out is None):
        typer.echo(f"{len(failures)} of {len(files)} files could not be used:", err=True)
        for failure in failures:
            typer.echo(f"  {formats.one_line(failure.path)}: {failure.error}", err=True)
    return SOME_FAILED if failures else GOOD


def _text(kept: "list[Prediction]", format_: Format) -> str:
    """Return predictions in a format that is written at the end."""
    from instrumentarium.predicting import formats

    match format_:
        case Format.JSON:
            return formats.as_json(kept)
        case Format.CSV:
            return formats.as_csv(kept)
        case Format.AUDACITY:
            return formats.as_audacity(kept[0])
        case Format.JAMS:
            return formats.as_jams(kept[0])
        case _:
            return "\n".join(formats.as_table(prediction) for prediction in kept)


def _place(folder: Path, path: Path, suffix: str) -> Path:
    """Return where in `folder` the result of `path` goes: below it as the audio lies, never beside it."""
    parts = [part for part in path.parts if part not in {path.anchor, "..", "."}]
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)


def _draw(plot: Path, prediction: "Prediction", path: Path, table: "Files2Table") -> None:
    from instrumentarium.frontends.logmel import LogMel
    from instrumentarium.predicting.plot import draw_timeline, pooled_spectrogram
    from instrumentarium.predicting.samples import SampleStream

    audio2timeline = table.file2timeline.audio2timeline
    card = audio2timeline.samples2scores.listener.card
    assert prediction.duration_s is not None
    frontend = LogMel(card.frontend, card.sample_rate_hz)
    stream = SampleStream.of_file(path, card.sample_rate_hz)
    spectrogram = pooled_spectrogram(stream, frontend, prediction.duration_s)
    draw_timeline(plot, prediction, spectrogram, frontend, audio2timeline.settings.step_s)


class Description(StrEnum):
    """How a model's description is written."""

    TABLE = "table"
    JSON = "json"


def describe(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)] = DEFAULT_MODEL,
    format_: Annotated[
        Description, typer.Option("--format", help="The essentials, or all that model.json holds.")
    ] = Description.TABLE,
) -> None:
    """Say what a model file holds: its network, what it hears, what it was trained on. Runs no code from the file."""
    with ending_well():
        from instrumentarium.models.modelfile import load_model
        from instrumentarium.predicting.modelsource import find_model

        network, card = load_model(find_model(model))
        if format_ is Description.JSON:
            say(card.model_dump_json(indent=2))
            return
        heard, trained, frontend = card.windows, card.trained, card.frontend
        weights = sum(tensor.numel() for tensor in network.parameters())
        apart = heard.transposed_semitones
        every = f"{heard.hop_s:g} s" + (f", each also {apart:g} semitones lower and higher" if apart else "")
        rows = {
            "model": f"{trained.model}, format {card.format}",
            "network": " ".join(f"{key}={value}" for key, value in card.network.model_dump(mode="json").items()),
            "weights": f"{weights:,}",
            "hears": f"mono, {card.sample_rate_hz} Hz, windows of {heard.length_s:g} s every {every}; "
            f"a recording has the {'highest' if heard.clip_score == 'max' else 'mean'} score of its windows",
            "front end": " ".join(f"{key}={value}" for key, value in frontend.model_dump(mode="json").items()),
            "trained on": f"{trained.collection}, seed {trained.seed}, best epoch {trained.best_epoch} of "
            f"{trained.epochs}, validation class mAP {trained.validation_map_macro:.3f}",
            "instruments": ", ".join(f"{NAMES[code]} ({code})" for code in card.labels),
            "made with": ", ".join(f"{name} {version}" for name, version in sorted(card.versions.items())),
        }
        say("\n".join(f"{key:<12} {value}" for key, value in rows.items()))
