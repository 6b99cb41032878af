"""An evaluation as files: metrics, thresholds, a table, the rows of plots."""

import json
from pathlib import Path

from instrumentarium.evaluation.parts import metrics_table
from instrumentarium.evaluation.results import Evaluation
from instrumentarium.runtime.files import write_json, write_text_atomically
from instrumentarium.tables.taxonomy import Taxonomy


def write_evaluation(
    evaluation: Evaluation,
    taxonomy: Taxonomy,
    *,
    metrics: Path,
    instruments: Path,
    content: Path,
    thresholds: Path,
    table: Path,
    plots: Path,
) -> None:
    """Write an evaluation, each file atomically.

    A plot has one row a line, so that its file stays small and its diff readable.

    Args:
        evaluation: what to write.
        taxonomy: the instruments, by whose names plots go.
        metrics: the JSON file of the few metrics that DVC shows.
        instruments: the JSON file of those of each instrument.
        content: the JSON file of everything.
        thresholds: the JSON file of the main system's thresholds.
        table: the CSV file of every metric of every part.
        plots: the folder for each plot's rows, as <name>.json.

    Raises:
        ValueError: if a value is not finite.
    """
    write_json(metrics, evaluation.declared(), sort_keys=False)
    write_json(instruments, evaluation.instruments(), sort_keys=False)
    write_json(content, evaluation.content(), sort_keys=False)
    write_json(thresholds, evaluation.thresholds.content(), sort_keys=False)
    metrics_table(evaluation.thresholds.codes).write(table, evaluation.table)
    for name, rows in evaluation.plots.items():
        named = taxonomy.named(rows)
        lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in named)
        write_text_atomically(plots / f"{name}.json", f"[\n{lines}\n]\n")
