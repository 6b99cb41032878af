"""Take each band's mean and standard deviation over the training clips."""

import sys
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import logging

import typer

from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
from instrumentarium.clips.windows import check_window_length
from instrumentarium.frontends.device import best_device
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.statistics.bands import band_statistics
from instrumentarium.tables.schemas import SPLIT


def main(
    clips_folder: Annotated[Path, typer.Argument(help="Folder of the ingested corpora.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    out: Annotated[Path, typer.Option(help="Mean and standard deviation of every band, as JSON.")],
) -> None:
    """Take each band's mean and standard deviation over the training clips."""
    params, corpora = stage_params(), corpus_folders(clips_folder)
    key = f"models.{params.read('model', str)}.frontends.{params.read('collection', str)}"
    rate = params.read("audio.sample_rate_hz", int)
    clips, length_s = read_clips(corpora), params.read("windows.length_s", float)
    check_window_length(length_s, clips["duration_s"])
    train = clips_of(clips, SPLIT.read(split), "train")
    stats = band_statistics(
        LogMel(params.read(key, LogMelParams), rate),
        open_samples(train, corpora),
        round(length_s * rate),
        best_device(),
    )
    write_json(out, stats.model_dump(mode="json"))
    logging.info("stats: %d training clips in; %d bands over %d frames out", len(train), len(stats.mean), stats.frames)


if __name__ == "__main__":
    run(main)
