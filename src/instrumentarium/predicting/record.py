"""A run over many files on record, one JSON line a file, so that a run that was cut off goes on where it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from instrumentarium.predicting.choices import Backend
from instrumentarium.predicting.ladder import Audio2Timeline
from instrumentarium.predicting.modelsource import THRESHOLDS
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_text_atomically
from instrumentarium.runtime.jsonfile import JsonError, parse_json


class RecordError(UserError, ValueError):
    """A file that is no record of this run."""


class Append(Protocol):
    """Adds a prediction to the record, at once."""

    def __call__(self, prediction: Prediction) -> None:
        """Add it."""


def name_run(audio2timeline: Audio2Timeline, folder: Path, backend: Backend) -> str:
    """Return a name for the model or the system of `folder` and the settings that predictions are made with."""
    return fingerprint(settings_of(audio2timeline, backend), model_files(folder))[:12]


def settings_of(audio2timeline: Audio2Timeline, backend: Backend) -> dict[str, object]:
    """Return all that predictions depend on besides the model, as JSON writes it."""
    return {
        "hop_samples": audio2timeline.samples2scores.windowing.hop_samples,
        "thresholds": audio2timeline.thresholds.tolist(),
        "temperature": audio2timeline.temperature,
        "timeline": asdict(audio2timeline.settings),
        "backend": backend.value,
    }


def model_files(folder: Path) -> list[Path]:
    """Return the files of `folder` that make its model or system what it is; thresholds are settings."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in {".json", ".safetensors"}]
    return [path for path in files if path.name != THRESHOLDS]


def line_of(prediction: Prediction, run: str) -> str:
    """Return a prediction as a line; `run` names the model and the settings it was made with."""
    return json.dumps(prediction.content() | {"run": run}, allow_nan=False, ensure_ascii=False)


def read_done(path: Path, run: str) -> set[str]:
    """Return the names of the files that the record at `path` has results of; none if there is no record.

    Files that failed are tried again: their lines are taken out, as is a last line that was cut off.

    Raises:
        RecordError: if the file is something else, or was made with another model or other settings.
    """
    if not path.exists():
        return set()
    lines = path.read_bytes().split(b"\n")[:-1]  # what does not end in a line end was cut off
    done: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        try:
            content = parse_json(line)
            name, made_by, error = (content[key] for key in ("path", "run", "error"))  # type: ignore[index]
        except (JsonError, TypeError, KeyError) as problem:
            raise RecordError(f"{path}, line {number}, is no prediction; name another file with --out") from problem
        if made_by != run:
            raise RecordError(
                f"{path} was begun with another model, other thresholds or other settings ({made_by}, now {run}); "
                "name another file with --out, or remove it"
            )
        if error is None:
            done[name] = line.decode("utf-8")
    write_text_atomically(path, "".join(f"{line}\n" for line in done.values()))
    return set(done)


@contextmanager
def open_record(path: Path, run: str) -> Iterator[Append]:
    """Yield what adds a line to the record; each is on disk before the next begins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:

        def append(prediction: Prediction) -> None:
            file.write(line_of(prediction, run) + "\n")
            file.flush()

        yield append
