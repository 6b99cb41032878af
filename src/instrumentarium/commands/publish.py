"""The commands `instrumentarium publish` and `describe-collection`.

Heavy imports stand inside, so that `--help` answers at once.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well, say
from instrumentarium.commands.options import DEFAULT_MODEL, MODEL_HELP
from instrumentarium.runtime.errors import UserError


@contextlib.contextmanager
def _extra() -> Iterator[None]:
    """Say how to install what the extra "publish" has, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"this needs {error.name}: pip install 'instrumentarium[publish]'") from error


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder to write; made when missing.")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = DEFAULT_MODEL,
    licence: Annotated[
        str,
        typer.Option(help="Of the weights, by the hub's short name; yours to choose within what the corpora allow."),
    ] = "other",
) -> None:
    """Write a model as a folder for a model hub: weights, model.json, thresholds.json and a model card.

    Run it in the repository that trained the model: the card's metrics with their intervals come from data/evaluation.json,
    which must be of this model, and the terms from the corpora's cards. `--model DIR` loads the folder, and
    `--model hf:OWNER/NAME` loads it once it was uploaded, for which this command has no part. Needs the extra "publish".
    """
    with ending_well(), _extra():
        from instrumentarium.predicting.modelsource import find_model
        from instrumentarium.publishing.modelfolder import FILES, publish_model
        from instrumentarium.runtime.workspace import workspace_root

        publish_model(folder, find_model(model), workspace_root(), licence)
        say(f"{folder}: {', '.join(FILES)}")
        if licence == "other":
            say("The card names no licence of the weights; read its terms and choose one with --licence.")


def describe_collection(
    folder: Annotated[Path, typer.Argument(help="The folder to write; made when missing.")],
) -> None:
    """Describe the collection that the workspace holds, without its audio: Croissant metadata and a datasheet.

    croissant.json (Croissant 1.0) describes the publishers' archives by address and md5, and the tables that lie beside it:
    clips.csv, labels.csv and split.csv. datasheet.md answers the questions of Datasheets for Datasets from the corpora's
    cards, the counts and the split. Run it in a repository after `dvc repro split`. Needs the extra "publish".
    """
    with ending_well(), _extra():
        from instrumentarium.publishing.collectionfolder import FILES, describe
        from instrumentarium.runtime.workspace import workspace_root

        counts = describe(folder, workspace_root())
        say(f"{folder}: {', '.join(FILES)}")
        say(f"{counts.clips} clips of {counts.recordings} recordings")
