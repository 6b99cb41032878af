"""Put the model and the classical systems together: their mean, and a regression stacked on embeddings and descriptors."""

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
    descriptors: Annotated[Path, typer.Option(help="Folder of the table of descriptors.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    windows: Annotated[Path, typer.Option(help="What the model says of every window, as .npy.")],
    systems: Annotated[Path, typer.Option(help="Folder with a folder for each classical system.")],
    out: Annotated[Path, typer.Option(help="Folder for a folder an ensemble.")],
    scores: Annotated[Path, typer.Option(help="Folder for a table of probabilities an ensemble.")],
) -> None:
    """Put the model and the classical systems together: a mean, and a regression stacked on embeddings and descriptors."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy
    from instrumentarium.baselines.publishing import Publisher
    from instrumentarium.baselines.rows import scored_windows
    from instrumentarium.clips.collection import corpus_folders, read_clips
    from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
    from instrumentarium.descriptors.table import DescriptorTable
    from instrumentarium.ensembles.ensemble import Members, make_ensembles, read_windows
    from instrumentarium.ensembles.params import EnsembleParams
    from instrumentarium.evaluation.systems import MODEL
    from instrumentarium.evaluation.thresholds import RULE
    from instrumentarium.runtime.section import Seed
    from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
    from instrumentarium.tables.taxonomy import read_taxonomy

    known, parts = read_taxonomy(taxonomy), SPLIT.read(split)
    arrays = label_arrays(
        read_clips(corpus_folders(clips_folder)),
        resolved_labels_table(known).read(labels),
        known,
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
    )
    table = DescriptorTable.read(descriptors)
    scored = scored_windows(table, parts)
    rule, seed = params.read("evaluate.rule", RULE), params.read("seed", Seed)
    publisher = Publisher(out, scores, scored, arrays.take(scored.clip_ids), known, table.card, rule, seed)
    folders = {MODEL: model, **{path.name: path for path in sorted(systems.iterdir())}}
    found = make_ensembles(
        publisher, Members(folders, read_windows(windows, scored, len(known))), params.read("ensemble", EnsembleParams)
    )
    logging.info(
        "ensemble: %d systems in; macro AP on validation: %s",
        len(folders),
        ", ".join(f"{name} {value:.3f}" for name, value in found.items()),
    )


if __name__ == "__main__":
    run(main)
