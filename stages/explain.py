"""Show where the model looks in a spectrogram, and how its embeddings lie."""

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
    taxonomy: Annotated[Path, typer.Option(help="The taxonomy of the run.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    scores: Annotated[Path, typer.Option(help="The table of probabilities.")],
    embeddings: Annotated[Path, typer.Option(help="One embedding a clip, in the order of the table, as .npy.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    maps: Annotated[Path, typer.Option(help="Folder for the pictures of where the model looks.")],
    pictures: Annotated[Path, typer.Option(help="Folder for the pictures of the embeddings.")],
    rows: Annotated[Path, typer.Option(help="Where the projected embeddings go, as JSON.")],
    projector: Annotated[Path, typer.Option(help="Folder for the TensorBoard projector's files.")],
    metrics: Annotated[Path, typer.Option(help="Where the metrics of the explanation go, as JSON.")],
) -> None:
    """Show where the model looks in a spectrogram, and how its embeddings lie."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
    from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
    from instrumentarium.explaining.explanation import explain, read_embeddings, write_explanation
    from instrumentarium.explaining.params import ExplainParams
    from instrumentarium.explaining.scored import gather
    from instrumentarium.models.modelfile import load_model
    from instrumentarium.runtime.section import Seed
    from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
    from instrumentarium.tables.taxonomy import read_taxonomy

    corpora = corpus_folders(clips_folder)
    absent = params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT)
    parts = SPLIT.read(split)
    every = read_clips(corpora)
    clips = clips_of(every, parts, "validation", "test")
    instruments = read_taxonomy(taxonomy)
    known = label_arrays(every, resolved_labels_table(instruments).read(labels), instruments, irmas_train_absent=absent)
    scored = gather(clips, known, parts, scores_table(instruments).read(scores), instruments)
    network, card = load_model(model)
    found = explain(
        network,
        card,
        scored,
        open_samples(clips, corpora),
        read_embeddings(embeddings),
        params.read("explain", ExplainParams),
        params.read("seed", Seed),
    )
    write_explanation(found, maps=maps, embeddings=pictures, projector=projector, rows=rows, metrics=metrics)
    logging.info(
        "explain: %d scored clips in; %d maps and 3 pictures of embeddings out", len(clips), len(found.maps) - 1
    )


if __name__ == "__main__":
    run(main)
