"""Bring all labels into the taxonomy's instruments, find clips that hold the same sound, resolve conflicting labels."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import (
    check_corpora,
    corpus_folders,
    open_samples,
    read_clips,
    read_labels,
    read_meanings,
)
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
from instrumentarium.clips.params import CONFLICTING
from instrumentarium.duplicates.overriding import describe_overrides, overrides_summary, select_overrides
from instrumentarium.duplicates.params import OVERRIDES_NAME
from instrumentarium.duplicates.report import describe_duplicates
from instrumentarium.duplicates.resolving import resolve_duplicates
from instrumentarium.duplicates.search import find_duplicates
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import read_section, stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.tables.mapping import map_labels
from instrumentarium.tables.schemas import DUPLICATES, resolved_labels_table
from instrumentarium.tables.selection import SelectedTaxonomy, select_mapping
from instrumentarium.tables.taxonomy import write_taxonomy


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    selected_taxonomy: Annotated[Path, typer.Option(help="The taxonomy that the parameters select, as JSON.")],
    overrides: Annotated[Path, typer.Option(help="Folder of label overrides, one of which labels.overrides may name.")],
    out: Annotated[Path, typer.Option(help="The table of duplicates.")],
    labels: Annotated[Path, typer.Option(help="The label table of all corpora, conflicts resolved.")],
    taxonomy: Annotated[Path, typer.Option(help="The taxonomy of the run, as JSON.")],
    metrics: Annotated[Path, typer.Option(help="How many duplicates there are, as JSON.")],
) -> None:
    """Bring all labels into the taxonomy's instruments, find clips that hold the same sound, resolve conflicting labels."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    check_corpora(corpora, params.read("corpora", list[str]))
    clips, stated = read_clips(corpora), read_labels(corpora)
    corpus_of = dict(zip(clips["clip_id"], clips["corpus"], strict=True))
    selected = read_section(selected_taxonomy, SelectedTaxonomy)
    mapping = select_mapping(selected, stated, corpus_of, read_meanings(corpora))
    mapped = map_labels(stated, corpus_of, mapping)
    logging.info("duplicates: %s", mapped.summary())
    codes = mapped.taxonomy.codes
    given = select_overrides(params.read("labels.overrides", OVERRIDES_NAME), overrides, clips["clip_id"], codes)
    pairs = find_duplicates(clips, open_samples(clips, corpora), params.read("audio.sample_rate_hz", int))
    absent = params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT)
    pairs, resolved = resolve_duplicates(
        clips,
        mapped.labels,
        pairs,
        mapped.taxonomy,
        irmas_train_absent=absent,
        policy=params.read("labels.conflicting", CONFLICTING),
        overrides=given,
    )
    counts = describe_duplicates(clips, pairs, resolved)
    known = label_arrays(clips, mapped.labels, mapped.taxonomy, irmas_train_absent=absent)
    overridden = describe_overrides(given, known, codes)
    if given.name is not None:
        logging.info("duplicates: %s", overrides_summary(overridden))
    write_taxonomy(taxonomy, mapped.taxonomy)
    DUPLICATES.write(out, pairs)
    resolved_labels_table(mapped.taxonomy).write(labels, resolved.labels)
    write_json(metrics, {**counts, "overrides": overridden if given.name is not None else None})
    logging.info(
        "duplicates: %d clips and %d labels in; %d pairs (%d exact), %d of them conflicting, and %d labels out",
        len(clips),
        len(stated),
        len(pairs),
        counts["exact"],
        counts["conflicting"],
        len(resolved.labels),
    )


if __name__ == "__main__":
    run(main)
