"""Train the model; an interrupted training goes on where it was."""

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
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    taxonomy: Annotated[Path, typer.Option(help="The instruments.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    stats: Annotated[Path, typer.Option(help="The normalisation of the features.")],
    selected: Annotated[
        Path, typer.Option(help="Folder of the selected front end, backbone, head, loss, recipe and training.")
    ],
    keys_tempos: Annotated[Path, typer.Option(help="The table of keys and tempi, by which partners may be chosen.")],
    out: Annotated[Path, typer.Option(help="Folder for model.safetensors and model.json.")],
    metrics: Annotated[Path, typer.Option(help="Metrics of the best epoch, as JSON.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data, written after every epoch.")],
    live: Annotated[Path, typer.Option(help="Folder for the curves of DVCLive or TensorBoard; no output.")],
) -> None:
    """Train the model; an interrupted training goes on where it was."""
    params = stage_params().including("training", selected / "training.json")
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    from instrumentarium.clips.collection import corpus_folders
    from instrumentarium.training.run import Inputs, train

    inputs = Inputs(corpus_folders(clips_folder), labels, taxonomy, split, stats, selected, keys_tempos)
    logging.info(train(params, inputs, out, metrics, plots, live))


if __name__ == "__main__":
    run(main)
