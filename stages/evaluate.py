"""Choose thresholds on validation, then evaluate every system on test."""

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
    scores: Annotated[Path, typer.Option(help="Folder with a table of probabilities for each system.")],
    model: Annotated[
        Path, typer.Option(help="Folder of the trained model; its thresholds go there, as thresholds.json.")
    ],
    thresholds: Annotated[Path, typer.Option(help="Where they go, too: a file of its own, as JSON.")],
    metrics: Annotated[Path, typer.Option(help="Where the few metrics go that DVC shows, as JSON.")],
    instruments: Annotated[Path, typer.Option(help="Where F1 and AP of each instrument go, as JSON.")],
    content: Annotated[Path, typer.Option(help="Where everything goes, as JSON.")],
    table: Annotated[Path, typer.Option(help="Where every metric of every part goes, as one table.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Choose thresholds on validation, then evaluate every system on test."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    from instrumentarium.clips.collection import corpus_folders, read_clips
    from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT
    from instrumentarium.evaluation.evaluation import evaluate
    from instrumentarium.evaluation.params import EvaluateParams
    from instrumentarium.evaluation.systems import MODEL, read_systems
    from instrumentarium.evaluation.writing import write_evaluation
    from instrumentarium.runtime.sealed import read_seal
    from instrumentarium.runtime.section import Seed
    from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
    from instrumentarium.tables.taxonomy import read_taxonomy

    corpora, known = corpus_folders(clips_folder), read_taxonomy(taxonomy)
    systems = read_systems(scores, known)
    settings = params.read("evaluate", EvaluateParams)
    found = evaluate(
        systems,
        read_clips(corpora),
        resolved_labels_table(known).read(labels),
        SPLIT.read(split),
        known,
        rule=settings.rule,
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
        resamples=settings.resamples,
        seed=params.read("seed", Seed),
    )
    write_evaluation(
        found,
        known,
        metrics=metrics,
        instruments=instruments,
        content=content,
        thresholds=[thresholds, model / "thresholds.json"],
        table=table,
        plots=plots,
        model_sha256=read_seal(model / "model.json"),
    )
    logging.info("evaluate: systems %s in; %s: %s", ", ".join(systems), MODEL, found.summary())


if __name__ == "__main__":
    run(main)
