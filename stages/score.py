"""Score every validation and test clip with the trained model, and embed the training clips as well."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import io
import logging

import typer

from instrumentarium.runtime.process import fix_arithmetic
from instrumentarium.runtime.section import REPRODUCIBLE, stage_params
from instrumentarium.runtime.stage import run


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    out: Annotated[Path, typer.Option(help="The table of probabilities.")],
    embeddings: Annotated[Path, typer.Option(help="One embedding a clip, in the order of the table, as .npy.")],
    training_embeddings: Annotated[
        Path, typer.Option(help="One embedding a training clip, in the order of ids, as .npy.")
    ],
    windows: Annotated[Path, typer.Option(help="Probabilities and embedding of every window, in time, as .npy.")],
) -> None:
    """Score every validation and test clip with the trained model, and embed the training clips as well."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    import numpy as np
    import pandas as pd

    from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
    from instrumentarium.runtime.files import atomic_path
    from instrumentarium.scoring.recognizer import Recognizer
    from instrumentarium.tables.schemas import SPLIT, scores_table

    corpora = corpus_folders(clips_folder)
    every, parts = read_clips(corpora), SPLIT.read(split)
    clips, training = clips_of(every, parts, "validation", "test"), clips_of(every, parts, "train")
    recognizer = Recognizer.load(model)
    taxonomy, results = recognizer.card.taxonomy, recognizer.clips(open_samples(clips, corpora))
    scores = pd.DataFrame(results.scores.round(6), columns=list(taxonomy.codes))
    scores.insert(0, "clip_id", clips["clip_id"])
    scores_table(taxonomy).write(out, scores)
    arrays = {
        embeddings: results.embeddings,
        training_embeddings: recognizer.embeddings(open_samples(training, corpora)),
        windows: results.windows,
    }
    for path, array in arrays.items():
        content = io.BytesIO()  # to a file, NumPy would write past Python, and not say which way a full disk ended it
        np.save(content, array)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())
    logging.info(
        "score: %d clips and %d of training in; %d scores and embeddings of %d out",
        len(clips),
        len(training),
        results.scores.size,
        results.embeddings.shape[1],
    )


if __name__ == "__main__":
    run(main)
