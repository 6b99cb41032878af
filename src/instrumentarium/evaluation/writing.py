"""An evaluation as files: metrics, thresholds, a table, the rows of plots."""

from collections.abc import Sequence
from pathlib import Path

from instrumentarium.evaluation.parts import metrics_table
from instrumentarium.evaluation.results import Evaluation
from instrumentarium.runtime.files import write_json, write_rows
from instrumentarium.tables.taxonomy import Taxonomy


def write_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    metrics: Path,
    instruments: Path,
    content: Path,
    thresholds: Sequence[Path],
    table: Path,
    plots: Path,
    model_sha256: str | None = None,
) -> None:
    """Write an evaluation, each file atomically.

    A plot has one row a line, so that its file stays small and its diff readable.

    Args:
        evaluation: what to write.
        taxonomy: the instruments, by whose names plots go.
        metrics: the JSON file of the few metrics that DVC shows.
        instruments: the JSON file of those of each instrument.
        content: the JSON file of everything.
        thresholds: the JSON files of the main system's thresholds, all of one content.
        table: the CSV file of every metric of every part.
        plots: the folder for each plot's rows, as <name>.json.
        model_sha256: of the description of the model that the main system is, for its thresholds.

    Raises:
        ValueError: if a value is not finite.
    """
    write_json(metrics, evaluation.declared(), sort_keys=False)
    write_json(instruments, evaluation.instruments(), sort_keys=False)
    write_json(content, evaluation.content(), sort_keys=False)
    for path in thresholds:
        evaluation.thresholds.write(path, model_sha256)
    metrics_table(evaluation.thresholds.codes).write(table, evaluation.table)
    for name, rows in evaluation.plots.items():
        write_rows(plots / f"{name}.json", taxonomy.named(rows))
