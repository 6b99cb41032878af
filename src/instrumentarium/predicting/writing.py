"""Where predictions go: to standard output as they come, to a record, to one file at the end, or to a file each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from instrumentarium.predicting.choices import SINGLE, Format
from instrumentarium.predicting.formats import as_table, as_text
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.record import line_of, open_record
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_text_atomically

Say = Callable[[str], None]
"""Writes to standard output."""
Write = Callable[[Path, Prediction], None]
"""Takes the prediction for a file."""


class DestinationError(UserError, ValueError):
    """Predictions cannot be written in this form to this place."""


def check_destination(files: int, format_: Format, out: Path | None) -> None:
    """Check before any work that predictions for so many files can be written.

    Raises:
        DestinationError: if they cannot.
    """
    if format_ in SINGLE and files != 1 and out is None:
        raise DestinationError(
            f"--format {format_} holds one recording, and there are {files}; name a folder with --out"
        )
    if out is not None and out.is_dir() and not (format_ in SINGLE and files != 1):
        raise DestinationError(f"--out {out} is a folder; name a file")


@contextmanager
def open_destination(files: int, format_: Format, out: Path | None, run: str, say: Say) -> Iterator[Write]:
    """Yield what takes the predictions one by one; what is written as a whole is written at the end, if nothing failed.

    Args:
        files: how many there are.
        format_: how predictions are written.
        out: the file or folder; None for standard output.
        run: names the model and its settings, in the lines of a record.
        say: writes to standard output.
    """
    if format_ is Format.JSONL and out is not None:
        with open_record(out, run) as append:
            yield lambda _, prediction: append(prediction)
    elif format_ is Format.JSONL:
        yield lambda _, prediction: say(line_of(prediction, run))
    elif format_ is Format.TABLE and out is None:
        yield lambda _, prediction: say(as_table(prediction))
    elif format_ in SINGLE and out is not None and files != 1:
        folder = out

        def write_one(path: Path, prediction: Prediction) -> None:
            if prediction.error is None:
                write_text_atomically(place_in(folder, path, SINGLE[format_]), as_text([prediction], format_))

        yield write_one
    else:
        kept: list[Prediction] = []
        yield lambda _, prediction: kept.append(prediction)
        if format_ in SINGLE and kept[0].error is not None:
            return
        text = as_text(kept, format_)
        if out is None:
            say(text)
        else:
            write_text_atomically(out, text + "\n")


def place_in(folder: Path, path: Path, suffix: str) -> Path:
    """Return where in `folder` the result of `path` goes: below it as the audio lies, never beside it."""
    parts = [part for part in path.parts if part not in {path.anchor, "..", "."}]
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)
