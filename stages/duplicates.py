"""Find the clips that hold the same sound, and settle the labels on which they disagree."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import corpus_folders, open_samples, read_clips, read_labels
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
from instrumentarium.duplicates.contradictions import find_contradictions, settle
from instrumentarium.duplicates.params import CONTRADICTORY
from instrumentarium.duplicates.report import describe_duplicates
from instrumentarium.duplicates.search import find_duplicates
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.tables.schemas import DUPLICATES, SETTLED_LABELS


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    out: Annotated[Path, typer.Option(help="The table of duplicates.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora, contradictions settled.")],
    metrics: Annotated[Path, typer.Option(help="How many there are, as JSON.")],
) -> None:
    """Find the clips that hold the same sound, and settle the labels on which they disagree."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    clips, stated = read_clips(corpora), read_labels(corpora)
    known = label_arrays(clips, stated, irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT))
    pairs = find_duplicates(clips, open_samples(clips, corpora), params.read("audio.sample_rate_hz", int))
    pairs["contradiction"] = find_contradictions(clips, pairs, known)
    settled = settle(clips, stated, pairs, known, params.read("labels.contradictory", CONTRADICTORY))
    figures = describe_duplicates(clips, pairs, settled)
    DUPLICATES.write(out, pairs)
    SETTLED_LABELS.write(labels, settled.labels)
    write_json(metrics, figures)
    logging.info(
        "duplicates: %d clips and %d labels in; %d pairs (%d exact), %d of them contradictory, and %d labels out",
        len(clips),
        len(stated),
        len(pairs),
        figures["exact"],
        figures["contradictory"],
        len(settled.labels),
    )


if __name__ == "__main__":
    run(main)
