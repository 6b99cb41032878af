"""Share the clips out to train, validation and test."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import corpus_folders, read_clips
from instrumentarium.duplicates.contradictions import left_out
from instrumentarium.duplicates.merging import pairs_among
from instrumentarium.duplicates.params import CONTRADICTORY
from instrumentarium.runtime.section import Seed, stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.splitting.params import SplitParams
from instrumentarium.splitting.split import split_clips, write_split
from instrumentarium.tables.schemas import DUPLICATES, SETTLED_LABELS


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    duplicates: Annotated[Path, typer.Option(help="The table of duplicates.")],
    frozen: Annotated[Path, typer.Option(help="Folder of splits made elsewhere, one of which split.frozen may name.")],
    out: Annotated[Path, typer.Option(help="The split table.")],
    metrics: Annotated[Path, typer.Option(help="What is in each split, as JSON.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Share the clips out to train, validation and test."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    clips, pairs = read_clips(corpora), DUPLICATES.read(duplicates)
    dropped = left_out(clips, pairs, params.read("labels.contradictory", CONTRADICTORY))
    clips = clips[~clips["clip_id"].isin(dropped)]
    split = split_clips(
        clips,
        SETTLED_LABELS.read(labels),
        pairs_among(clips, pairs),
        params.read("split", SplitParams),
        params.read("seed", Seed),
        frozen,
    )
    write_split(split, out, metrics, plots)
    logging.info("split: %s", split.summary())


if __name__ == "__main__":
    run(main)
