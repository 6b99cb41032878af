"""Check the whole of params.yaml before any other stage starts."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.files import write_text_atomically
from instrumentarium.params.models import TimmParams
from instrumentarium.params.section import ParamsError
from instrumentarium.params.whole import load_params
from instrumentarium.stage import run


def main(out: Annotated[Path, typer.Argument(help="Written when all is well; always the same content.")]) -> None:
    """Check the whole of params.yaml before any other stage starts."""
    params = load_params()
    model = params.models[params.model]
    if isinstance(model.network, TimmParams):
        from instrumentarium.models.image import UnknownArchitectureError, check_architecture

        try:
            check_architecture(model.network.architecture)
        except UnknownArchitectureError as error:
            raise ParamsError(
                f"params.yaml cannot be used as it is:\n  models.{params.model}.network.{error}"
            ) from error
    write_text_atomically(
        out, "params.yaml was checked; this file's content never changes, so nothing depends on more\n"
    )
    logging.info(
        "params: collection %s, model %s, %d models known", params.collection, params.model, len(params.models)
    )


if __name__ == "__main__":
    run(main)
