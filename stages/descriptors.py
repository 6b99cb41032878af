"""Describe windows of every clip by descriptors of their sound."""

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
    split: Annotated[Path, typer.Option(help="The split table.")],
    selected: Annotated[Path, typer.Option(help="The selected windows, as JSON.")],
    out: Annotated[Path, typer.Option(help="Folder for the table of descriptors.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Describe windows of every clip by descriptors of their sound."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy
    from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
    from instrumentarium.clips.params import WindowsParams
    from instrumentarium.descriptors.describe import describe_clips
    from instrumentarium.descriptors.params import DescriptorParams
    from instrumentarium.descriptors.plots import correlation_rows, variance_rows
    from instrumentarium.runtime.files import write_rows
    from instrumentarium.runtime.section import read_section
    from instrumentarium.tables.schemas import SPLIT

    corpora, parts = corpus_folders(clips_folder), SPLIT.read(split)
    clips = clips_of(read_clips(corpora), parts, "train", "validation", "test")
    placed = parts.set_index("clip_id")
    table = describe_clips(
        open_samples(clips, corpora),
        (placed["split"][clips["clip_id"]] == "train").to_numpy(dtype=bool),
        read_section(selected, WindowsParams),
        params.read("descriptors", DescriptorParams),
        params.read("audio.sample_rate_hz", int),
    )
    table.write(out)
    mine = placed.loc[table.windows["clip_id"]]
    train = (mine["split"] == "train").to_numpy(dtype=bool)
    recordings = mine["recording_id"].to_numpy(dtype=str)[train]
    columns, values = table.card.columns, table.values[train]
    write_rows(plots / "variance.json", variance_rows(columns, values, recordings))
    write_rows(plots / "correlation.json", correlation_rows(columns, values))
    logging.info("descriptors: %d clips in; %d windows of %d descriptors out", len(clips), *table.values.shape)


if __name__ == "__main__":
    run(main)
