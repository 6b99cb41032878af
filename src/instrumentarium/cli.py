"""The command `instrumentarium`: use a trained model.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.comparing.command import compare
from instrumentarium.errors import UserError
from instrumentarium.reporting.command import listen, report
from instrumentarium.taxonomy import CODES, NAMES

app = typer.Typer(help="Which instruments play in a recording.", no_args_is_help=True, add_completion=False)
app.command()(compare)


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


MODEL_HELP = "Folder of the trained model, as the train stage writes it."
THRESHOLDS_HELP = "Thresholds, as the evaluate stage writes them."


@app.callback()
def _commands() -> None:
    """Which instruments play in a recording."""


@app.command()
def predict(
    paths: Annotated[
        list[Path], typer.Argument(help="Audio files: WAV, FLAC, OGG, MP3 and what else libsndfile reads.")
    ],
    model: Annotated[Path, typer.Option(help=MODEL_HELP)] = Path("data/model"),
    thresholds: Annotated[Path, typer.Option(help=THRESHOLDS_HELP)] = Path("data/thresholds.json"),
    format_: Annotated[
        Format, typer.Option("--format", help="A table for people, or JSON for programs.")
    ] = Format.TABLE,
) -> None:
    """Say which instruments play in audio files.

    A file that cannot be used is reported and the others are still done; the exit status is then 1.
    """
    from instrumentarium.evaluation.thresholds import Thresholds
    from instrumentarium.inference import Recognizer

    try:
        recognizer = Recognizer.load(model)
        limits = dict(zip(CODES, Thresholds.read(thresholds).vector().tolist(), strict=True))
    except UserError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    results: list[dict[str, object]] = []
    for path in paths:
        try:
            scores = recognizer.file(path)
        except (UserError, OSError) as error:
            results.append({"path": str(path), "instruments": {}, "error": str(error)})
            continue
        instruments = {
            code: {"score": round(score, 6), "present": score >= limits[code]} for code, score in scores.items()
        }
        results.append({"path": str(path), "instruments": instruments, "error": None})
    typer.echo(_as_table(results) if format_ is Format.TABLE else json.dumps(results, ensure_ascii=False, indent=2))
    if any(result["error"] for result in results):
        sys.exit(1)


def _as_table(results: list[dict[str, object]]) -> str:
    lines: list[str] = []
    for result in results:
        lines.append(str(result["path"]))
        instruments = result["instruments"]
        assert isinstance(instruments, dict)
        if result["error"]:
            lines.append(f"  not recognised: {result['error']}")
            continue
        ranked = sorted(instruments.items(), key=lambda item: -item[1]["score"])
        if not any(entry["present"] for _, entry in ranked):
            lines.append("  no instrument is recognised")
        for code, entry in ranked:
            bar = "█" * round(entry["score"] * 20)
            lines.append(f"  {'✓' if entry['present'] else ' '} {NAMES[code]:<16} {entry['score']:.2f} {bar}".rstrip())
    return "\n".join(lines)


@app.command()
def describe(model: Annotated[Path, typer.Argument(help=MODEL_HELP)] = Path("data/model")) -> None:
    """Say what a model file holds: its network, what it hears, what it was trained on."""
    from instrumentarium.modelfile import load_card

    try:
        card = load_card(model)
    except UserError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(card.model_dump_json(indent=2))


app.command()(report)
app.command()(listen)
