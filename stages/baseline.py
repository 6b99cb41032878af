"""Train classical systems on descriptors, and score every validation and test clip with each."""

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
    out: Annotated[Path, typer.Option(help="Folder for a folder a system.")],
    scores: Annotated[Path, typer.Option(help="Folder for a table of probabilities a system.")],
    surfaces: Annotated[Path, typer.Option(help="Folder for the pictures of decision surfaces.")],
) -> None:
    """Train classical systems on descriptors, and score every validation and test clip with each."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy
    from instrumentarium.baselines.params import BaselineParams
    from instrumentarium.baselines.publishing import Publisher
    from instrumentarium.baselines.rows import scored_windows, training_rows
    from instrumentarium.baselines.surfaces import draw_surfaces
    from instrumentarium.baselines.training import train_systems
    from instrumentarium.clips.collection import corpus_folders, read_clips
    from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
    from instrumentarium.descriptors.table import DescriptorTable
    from instrumentarium.evaluation.thresholds import RULE
    from instrumentarium.runtime.files import write_folder
    from instrumentarium.runtime.section import Seed
    from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
    from instrumentarium.tables.taxonomy import read_taxonomy

    known, parts = read_taxonomy(taxonomy), SPLIT.read(split)
    settings, seed = params.read("baseline", BaselineParams), params.read("seed", Seed)
    arrays = label_arrays(
        read_clips(corpus_folders(clips_folder)),
        resolved_labels_table(known).read(labels),
        known,
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
    )
    table = DescriptorTable.read(descriptors)
    rows, scored = training_rows(table, parts, arrays), scored_windows(table, parts)
    rule = params.read("evaluate.rule", RULE)
    publisher = Publisher(out, scores, scored, arrays.take(scored.clip_ids), known, table.card, rule, seed)
    systems = train_systems(rows, settings, seed)
    for name, system in systems.items():
        publisher.publish(name, system.kind, system.arrays(), scored.pooled(system.scores(scored.values)))
    pictures = draw_surfaces(systems, rows, known, settings.surface_points, seed) if settings.surfaces else {}
    write_folder(surfaces, pictures)
    logging.info(
        "baseline: %d windows of %d recordings in; systems %s, scores of %d clips, %d pictures out",
        len(rows),
        len(set(rows.recordings)),
        ", ".join(systems),
        len(scored.clip_ids),
        len(pictures),
    )


if __name__ == "__main__":
    run(main)
