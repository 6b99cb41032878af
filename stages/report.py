"""Draw figures, show what went wrong, and gather all of a result in one page."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.params.corpora import LabelsParams
from instrumentarium.params.models import RecipeParams
from instrumentarium.params.report import ReportParams
from instrumentarium.params.section import stage_params
from instrumentarium.reporting.report import Settings, Sources, make_report, write_report
from instrumentarium.stage import run


def main(
    corpora: Annotated[list[Path], typer.Argument(help="Folders of the ingested corpora.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    scores: Annotated[Path, typer.Option(help="The table of probabilities.")],
    thresholds: Annotated[Path, typer.Option(help="The thresholds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    metrics: Annotated[Path, typer.Option(help="Folder of the stages' figures.")],
    rows: Annotated[list[Path], typer.Option(help="Rows of a plot to draw; once for each plot.")],
    constraints: Annotated[Path, typer.Option(help="The pinned versions.")],
    out: Annotated[Path, typer.Option(help="Where the page goes.")],
    figures: Annotated[Path, typer.Option(help="Folder for the figures.")],
    gallery: Annotated[Path, typer.Option(help="Folder for the clips that went wrong.")],
) -> None:
    """Draw figures, show what went wrong, and gather all of a result in one page."""
    params = stage_params()
    collection, name = (params.read(key, str) for key in ("collection", "model"))
    settings = Settings(
        collection=collection,
        model=name,
        rendered=params.read(f"collections.{collection}.source", str) == "rendered",
        recipe=params.read(f"models.{name}.recipes.{collection}", RecipeParams).model_dump(),
        irmas_train_absent=params.read("labels", LabelsParams).irmas_train_absent,
        sample_rate_hz=params.read("audio.sample_rate_hz", int),
        gallery=params.read("report", ReportParams).gallery,
    )
    report = make_report(
        Sources(corpora, labels, split, scores, thresholds, model, metrics, rows, constraints), settings
    )
    write_report(report, out, figures, gallery)
    logging.info("report: %d plots' rows in; %s out", len(rows), report.summary())


if __name__ == "__main__":
    run(main)
