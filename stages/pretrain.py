"""Pre-train the selected model's backbone without labels; an interrupted pre-training goes on where it was."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.runtime.process import fix_arithmetic
from instrumentarium.runtime.section import REPRODUCIBLE, stage_params
from instrumentarium.runtime.stage import run


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    stats: Annotated[Path, typer.Option(help="The normalisation of the features.")],
    selected: Annotated[Path, typer.Option(help="Folder of the selected front end, backbone, windows, augmentation.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights, what they are, and the curves.")],
) -> None:
    """Pre-train the selected model's backbone without labels; an interrupted pre-training goes on where it was."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    from instrumentarium.clips.collection import corpus_folders
    from instrumentarium.pretraining.run import Inputs, pretrain_backbone

    inputs = Inputs(corpus_folders(clips_folder), split, stats, selected)
    logging.info(pretrain_backbone(params, inputs, out))


if __name__ == "__main__":
    run(main)
