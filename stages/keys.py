"""Estimate key and tempo of each training recording, where partners of an augmentation are chosen by them."""

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
    taxonomy: Annotated[Path, typer.Option(help="The taxonomy of the run.")],
    split: Annotated[Path, typer.Option(help="The split table.")],
    asked: Annotated[Path, typer.Option(help="What partners are chosen by, as JSON; nothing: an empty table.")],
    out: Annotated[Path, typer.Option(help="The table of keys and tempi.")],
    plots: Annotated[Path, typer.Option(help="Folder for the plots' data.")],
) -> None:
    """Estimate key and tempo of each training recording, where partners of an augmentation are chosen by them."""
    params = stage_params()
    fix_arithmetic(params.read("training.reproducible", REPRODUCIBLE))  # before any of these loads NumPy
    from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
    from instrumentarium.keys.params import KeysParams
    from instrumentarium.keys.plots import key_rows, tempo_rows, with_instruments
    from instrumentarium.keys.recordings import estimate_all
    from instrumentarium.runtime.files import write_json
    from instrumentarium.runtime.section import read_section
    from instrumentarium.tables.schemas import KEYS_TEMPOS, SPLIT, resolved_labels_table
    from instrumentarium.tables.taxonomy import read_taxonomy

    rate = params.read("audio.sample_rate_hz", int)
    corpora, table = corpus_folders(clips_folder), SPLIT.read(split)
    train = clips_of(read_clips(corpora), table, "train")
    used = train if read_section(asked, KeysParams).by else train.iloc[:0]
    recordings = dict(zip(table["clip_id"], table["recording_id"], strict=True))
    found = estimate_all(open_samples(used, corpora), recordings, rate)
    KEYS_TEMPOS.write(out, found)
    instruments = read_taxonomy(taxonomy)
    shown = with_instruments(found, resolved_labels_table(instruments).read(labels), recordings, instruments.codes)
    write_json(plots / "keys.json", key_rows(shown))
    write_json(plots / "tempos.json", tempo_rows(shown))
    logging.info("keys: %d training clips in; key and tempo of %d recordings out", len(used), len(found))


if __name__ == "__main__":
    run(main)
