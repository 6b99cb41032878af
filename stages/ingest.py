"""Decode one corpus's archives into the sample store and the tables."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import importlib
import logging

import typer

from instrumentarium.corpora.counts import Published
from instrumentarium.ingestion import ingest
from instrumentarium.params.corpora import PARAMS_OF, Corpus, Esc50Params
from instrumentarium.params.section import stage_params
from instrumentarium.stage import run


def main(
    corpus: Annotated[Corpus, typer.Argument(help="The corpus.")],
    archives: Annotated[Path, typer.Argument(help="Folder of its archives.")],
    out: Annotated[Path, typer.Argument(help="Folder for clips.csv, labels.csv, rejected.csv and samples.")],
) -> None:
    """Decode one corpus's archives into the sample store and the tables."""
    params = stage_params()
    collection = params.read("collection", str)
    origin = params.read(f"collections.{collection}.source", str)
    settings = params.read(f"collections.{collection}.corpora.{corpus}", PARAMS_OF[corpus])
    parser = importlib.import_module(f"instrumentarium.corpora.{corpus}.parser")
    choices = {"groups": settings.groups.model_dump()} if isinstance(settings, Esc50Params) else {}
    source = parser.read_clips(archives, **choices) if settings.use else iter(())
    published: Published | None = None
    if settings.use and origin == "published":
        published = importlib.import_module(f"instrumentarium.corpora.{corpus}.published").PUBLISHED
    result = ingest(corpus, source, out, params.read("audio.sample_rate_hz", int), published)
    logging.info("ingest %s: %s", corpus, result.summary())
    if published is not None:
        logging.info("ingest %s: %s", corpus, result.against(published))


if __name__ == "__main__":
    run(main)
