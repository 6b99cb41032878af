"""Find labels that are probably wrong, by classifiers that have not seen the recordings."""

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
    duplicates: Annotated[Path, typer.Option(help="The table of duplicates.")],
    embeddings: Annotated[Path, typer.Option(help="One embedding a validation or test clip, as .npy.")],
    training_embeddings: Annotated[Path, typer.Option(help="One embedding a training clip, as .npy.")],
    truth: Annotated[Path, typer.Option(help="What is wrong on purpose; the audit is scored by it, if there is any.")],
    out: Annotated[Path, typer.Option(help="Where the labels go, the least credible first.")],
    neighbours: Annotated[Path, typer.Option(help="Where the nearest clips of theirs go.")],
    metrics: Annotated[Path, typer.Option(help="How many there are, and how many of the planted ones, as JSON.")],
) -> None:
    """Find labels that are probably wrong, by classifiers that have not seen the recordings."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy
    from instrumentarium.auditing.stage import Sources, audit_collection
    from instrumentarium.clips.collection import corpus_folders

    sources = Sources(
        corpus_folders(clips_folder), labels, taxonomy, split, duplicates, embeddings, training_embeddings, truth
    )
    logging.info("audit: %s", audit_collection(params, sources, out, neighbours, metrics))


if __name__ == "__main__":
    run(main)
