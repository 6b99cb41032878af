"""Choose thresholds on validation, then measure on test."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.collection import read_clips
from instrumentarium.evaluation.report import evaluate, write_evaluation
from instrumentarium.params.corpora import LabelsParams
from instrumentarium.params.evaluation import EvaluateParams
from instrumentarium.params.section import Seed, stage_params
from instrumentarium.stage import run
from instrumentarium.tables import SCORES, SETTLED_LABELS, SPLIT


def main(
    corpora: Annotated[list[Path], typer.Argument(help="Folders of the ingested corpora.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    scores: Annotated[Path, typer.Option(help="The table of probabilities.")],
    thresholds: Annotated[Path, typer.Option(help="Where the thresholds go, as JSON.")],
    metrics: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")],
    figures: Annotated[Path, typer.Option(help="Where every figure of every part goes, as one table.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Choose thresholds on validation, then measure on test."""
    params = stage_params()
    scored = SCORES.read(scores)
    settings = params.read("evaluate", EvaluateParams)
    evaluation = evaluate(
        scored,
        read_clips(corpora),
        SETTLED_LABELS.read(labels),
        SPLIT.read(split),
        rule=settings.rule,
        irmas_train_absent=params.read("labels", LabelsParams).irmas_train_absent,
        resamples=settings.resamples,
        seed=params.read("seed", Seed),
    )
    write_evaluation(evaluation, metrics, thresholds, figures, plots)
    logging.info("evaluate: %d scored clips in; %s", len(scored), evaluation.summary())


if __name__ == "__main__":
    run(main)
