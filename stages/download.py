"""Fetch or render one corpus's archives, in the publisher's layout."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.corpora.download import describe, fetch_published, leave_empty, render
from instrumentarium.corpora.inventory.stock import take_stock
from instrumentarium.params.corpora import PARAMS_OF, Corpus, DownloadParams, OwnParams
from instrumentarium.params.section import Seed, stage_params
from instrumentarium.stage import run


def main(
    corpus: Annotated[Corpus, typer.Argument(help="The corpus.")],
    out: Annotated[Path, typer.Argument(help="Folder for the archives.")],
    truth: Annotated[Path, typer.Argument(help="Folder for what is wrong on purpose in rendered archives.")],
) -> None:
    """Fetch or render one corpus's archives, in the publisher's layout."""
    params = stage_params()
    collection, seed = params.read("collection", str), params.read("seed", Seed)
    source = params.read(f"collections.{collection}.source", str)
    settings = params.read(f"collections.{collection}.corpora.{corpus}", PARAMS_OF[corpus])
    archives = params.read("download", DownloadParams).folder
    leave_empty(out, truth)
    if isinstance(settings, OwnParams):
        found = take_stock(settings.path, settings.form, settings.absent, out) if settings.use else describe(out)
        logging.info("download own: %s", found)
        return
    if settings.use and source == "rendered":
        render(corpus, settings, seed, out, truth)
    elif settings.use:
        fetch_published(corpus, archives, out, truth)
    logging.info("download %s: %s", corpus, describe(out))


if __name__ == "__main__":
    run(main)
