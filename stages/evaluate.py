"""Choose thresholds on validation, then measure on test."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import corpus_folders, read_clips
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT
from instrumentarium.evaluation.params import EvaluateParams
from instrumentarium.evaluation.report import evaluate, write_evaluation
from instrumentarium.runtime.section import Seed, stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.tables.schemas import SCORES, SETTLED_LABELS, SPLIT


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    scores: Annotated[Path, typer.Option(help="The table of probabilities.")],
    thresholds: Annotated[Path, typer.Option(help="Where the thresholds go, as JSON.")],
    metrics: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")],
    figures: Annotated[Path, typer.Option(help="Where every figure of every part goes, as one table.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Choose thresholds on validation, then measure on test."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    scored = SCORES.read(scores)
    settings = params.read("evaluate", EvaluateParams)
    evaluation = evaluate(
        scored,
        read_clips(corpora),
        SETTLED_LABELS.read(labels),
        SPLIT.read(split),
        rule=settings.rule,
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
        resamples=settings.resamples,
        seed=params.read("seed", Seed),
    )
    write_evaluation(evaluation, metrics, thresholds, figures, plots)
    logging.info("evaluate: %d scored clips in; %s", len(scored), evaluation.summary())


if __name__ == "__main__":
    run(main)
