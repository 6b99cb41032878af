"""Check the whole of params.yaml, and write down what it selects, before any other stage starts."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.config.check import check_architectures, check_files
from instrumentarium.config.selection import write_selection
from instrumentarium.config.whole import load_params
from instrumentarium.runtime.files import write_json, write_text_atomically
from instrumentarium.runtime.stage import run
from instrumentarium.tables.selection import select_taxonomy


def main(
    out: Annotated[Path, typer.Argument(help="Written when all is well; always the same content.")],
    selected: Annotated[Path, typer.Option(help="Folder for what is selected, each part as JSON.")],
    selected_taxonomy: Annotated[Path, typer.Option(help="File for the taxonomy that is selected, as JSON.")],
    splits: Annotated[Path, typer.Option(help="Folder of splits made elsewhere.")],
    taxonomies: Annotated[Path, typer.Option(help="Folder of the user's taxonomies.")],
    overrides: Annotated[Path, typer.Option(help="Folder of the user's overrides of labels.")],
) -> None:
    """Check the whole of params.yaml, and write down what it selects, before any other stage starts."""
    params = load_params()
    check_architectures(params)
    check_files(params, splits, taxonomies, overrides)
    write_selection(params.selection, selected)
    write_json(selected / "training.json", params.training.model_dump(mode="json"))
    write_json(
        selected_taxonomy, select_taxonomy(params.taxonomy, params.taxonomies, taxonomies).model_dump(mode="json")
    )
    write_text_atomically(
        out, "params.yaml was checked; this file's content never changes, so nothing depends on more\n"
    )
    logging.info(
        "params: collection %s, taxonomy %s, model %s, %d models known",
        params.collection,
        params.taxonomy,
        params.model,
        len(params.models),
    )


if __name__ == "__main__":
    run(main)
