"""Fetch or render one corpus's archives, in the publisher's layout."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.acquisition.download import provide_archives
from instrumentarium.acquisition.params import DownloadParams
from instrumentarium.acquisition.soundfonts import SOUNDFONTS
from instrumentarium.corpora.source.params import SOURCE, Corpus, params_of
from instrumentarium.runtime.section import Seed, stage_params
from instrumentarium.runtime.stage import run


def main(
    corpus: Annotated[Corpus, typer.Argument(help="The corpus.")],
    out: Annotated[Path, typer.Argument(help="Folder for the archives.")],
    truth: Annotated[Path, typer.Argument(help="Folder for what is wrong on purpose in rendered archives.")],
) -> None:
    """Fetch or render one corpus's archives, in the publisher's layout."""
    params = stage_params()
    collection = params.read("collection", str)
    soundfonts = params.read(f"collections.{collection}.soundfonts", SOUNDFONTS)
    found = provide_archives(
        corpus,
        params.read(f"collections.{collection}.corpora.{corpus}", params_of(corpus)),
        params.read(f"collections.{collection}.source", SOURCE),
        seed=params.read("seed", Seed),
        soundfonts=soundfonts,
        own=params.read("download", DownloadParams).folder,
        folder=out,
        truth=truth,
    )
    logging.info("download %s: %s", corpus, found)


if __name__ == "__main__":
    run(main)
