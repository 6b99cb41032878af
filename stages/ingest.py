"""Decode one corpus's archives into the sample store and the tables."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.corpora.source.params import SOURCE, Corpus, params_of
from instrumentarium.ingestion.ingest import ingest_corpus
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run


def main(
    corpus: Annotated[Corpus, typer.Argument(help="The corpus.")],
    archives: Annotated[Path, typer.Argument(help="Folder of its archives.")],
    out: Annotated[Path, typer.Argument(help="Folder for clips.csv, labels.csv, rejected.csv and samples.")],
) -> None:
    """Decode one corpus's archives into the sample store and the tables."""
    params = stage_params()
    collection = params.read("collection", str)
    lines = ingest_corpus(
        corpus,
        params.read(f"collections.{collection}.corpora.{corpus}", params_of(corpus)),
        params.read(f"collections.{collection}.source", SOURCE),
        archives,
        out,
        params.read("audio.sample_rate_hz", int),
    )
    for line in lines:
        logging.info("ingest %s: %s", corpus, line)


if __name__ == "__main__":
    run(main)
