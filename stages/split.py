"""Split the clips into train, validation and test, by recording."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import corpus_folders, open_samples, read_clips
from instrumentarium.clips.duplicates import left_out, pairs_among
from instrumentarium.clips.params import CONFLICTING
from instrumentarium.runtime.section import Seed, stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.splitting.loudness import levels_db
from instrumentarium.splitting.params import SplitParams
from instrumentarium.splitting.split import split_clips, write_split
from instrumentarium.tables.schemas import DUPLICATES, resolved_labels_table
from instrumentarium.tables.taxonomy import read_taxonomy


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    taxonomy: Annotated[Path, typer.Option(help="The taxonomy of the run.")],
    duplicates: Annotated[Path, typer.Option(help="The table of duplicates.")],
    frozen: Annotated[Path, typer.Option(help="Folder of splits made elsewhere, one of which split.frozen may name.")],
    out: Annotated[Path, typer.Option(help="The split table.")],
    metrics: Annotated[Path, typer.Option(help="What is in each split, as JSON.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Split the clips into train, validation and test, by recording."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    instruments = read_taxonomy(taxonomy)
    clips, pairs = read_clips(corpora), DUPLICATES.read(duplicates)
    dropped = left_out(clips, pairs, params.read("labels.conflicting", CONFLICTING))
    clips = clips[~clips["clip_id"].isin(dropped)]
    split = split_clips(
        clips,
        resolved_labels_table(instruments).read(labels),
        pairs_among(clips, pairs),
        params.read("split", SplitParams),
        params.read("seed", Seed),
        frozen,
        instruments.codes,
        lambda some: levels_db(open_samples(some, corpora)),
    )
    write_split(split, instruments, out, metrics, plots)
    logging.info("split: %s", split.summary())


if __name__ == "__main__":
    run(main)
