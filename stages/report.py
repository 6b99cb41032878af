"""Draw the plots, show the worst predictions, and gather all of a result in one page."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import corpus_folders
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT
from instrumentarium.reporting.params import ReportParams
from instrumentarium.reporting.report import Settings, Sources, make_report, write_report
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    taxonomy: Annotated[Path, typer.Option(help="The taxonomy of the run.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    scores: Annotated[Path, typer.Option(help="The model's probabilities.")],
    evaluation: Annotated[Path, typer.Option(help="All metrics of all systems.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    metrics: Annotated[Path, typer.Option(help="Folder of the other stages' metrics.")],
    rows: Annotated[list[Path], typer.Option(help="Rows of a plot to draw, or a folder of them.")],
    explained: Annotated[Path, typer.Option(help="Folder of the explain stage's pictures.")],
    constraints: Annotated[Path, typer.Option(help="The pinned versions.")],
    out: Annotated[Path, typer.Option(help="Where the page goes.")],
    figures: Annotated[Path, typer.Option(help="Folder for the figures.")],
    gallery: Annotated[Path, typer.Option(help="Folder for the clips that went wrong.")],
) -> None:
    """Draw the plots, show the worst predictions, and gather all of a result in one page."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    collection, name = (params.read(key, str) for key in ("collection", "model"))
    settings = Settings(
        collection=collection,
        model=name,
        rendered=params.read(f"collections.{collection}.source", str) == "rendered",
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
        sample_rate_hz=params.read("audio.sample_rate_hz", int),
        gallery=params.read("report", ReportParams).gallery,
    )
    report = make_report(
        Sources(corpora, taxonomy, labels, split, scores, evaluation, model, metrics, rows, explained, constraints),
        settings,
    )
    write_report(report, out, figures, gallery)
    logging.info("report: %s out", report.summary())


if __name__ == "__main__":
    run(main)
