"""Take each band's mean and standard deviation over the training clips."""

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
    selected: Annotated[Path, typer.Option(help="Folder of the selected front end and windows.")],
    out: Annotated[Path, typer.Option(help="The normalisation of the features, as JSON.")],
) -> None:
    """Take each band's mean and standard deviation over the training clips."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy or torch
    from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
    from instrumentarium.clips.params import WindowsParams
    from instrumentarium.clips.windows import check_window_length
    from instrumentarium.frontends.build import build_frontend
    from instrumentarium.frontends.device import best_device
    from instrumentarium.frontends.params import FRONTEND
    from instrumentarium.runtime.files import write_json
    from instrumentarium.runtime.section import read_section
    from instrumentarium.statistics.bands import normalisation_for
    from instrumentarium.tables.schemas import SPLIT

    corpora = corpus_folders(clips_folder)
    rate = params.read("audio.sample_rate_hz", int)
    frontend = read_section(selected / "frontend.json", FRONTEND)
    windows = read_section(selected / "windows.json", WindowsParams)
    clips = read_clips(corpora)
    check_window_length(windows.length_s, clips["duration_s"])
    train = clips_of(clips, SPLIT.read(split), "train")
    normalisation = normalisation_for(
        frontend.normalisation,
        build_frontend(frontend, rate),
        open_samples(train, corpora),
        round(windows.length_s * rate),
        best_device(),
    )
    write_json(out, normalisation.model_dump(mode="json"))
    logging.info(
        "stats: %d training clips in; %s normalisation of %d bands out",
        len(train),
        normalisation.kind,
        sum(len(row) for row in normalisation.mean),
    )


if __name__ == "__main__":
    run(main)
