"""What training reads, as the stages before it leave it: tables, samples, a split and statistics of a tiny corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
from model_fixtures import NORMALISATION, RATE_HZ, timbre_clip

from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import write_taxonomy
from taxonomies import IRMAS11


def write_collection(folder: Path) -> Path:
    """Write an ingested corpus of two timbres and noise, its split and its statistics, and return the folder."""
    rng = np.random.default_rng(0)
    clips, labels, split = [], [], []
    with SampleWriter(folder / "irmas" / "samples") as writer:
        for number in range(24):
            clip_id, playing = f"irmas/{number:02d}", ("cel", "cla", None)[number % 3]
            samples = timbre_clip(playing, rng)
            row = {"clip_id": clip_id, "corpus": "irmas", "recording_id": clip_id, "path": f"{number}.wav"}
            row |= {"duration_s": 1.0, "sample_rate_hz": RATE_HZ, "channels": 1}
            row |= {"first_sample": writer.append(samples), "n_samples": len(samples), "official_split": "test"}
            clips.append(
                row | {"genre": "", "drums": "unknown", "licence": "", "group": "", "pcm_hash": f"{number:032x}"}
            )
            labels += [(clip_id, code, float(code == playing)) for code in IRMAS11.codes]
            split.append((clip_id, "train" if number < 15 else "validation", clip_id))
    CLIPS.write(folder / "irmas" / "clips.csv", pd.DataFrame(clips))
    rows = pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"])
    resolved_labels_table(IRMAS11).write(folder / "labels.csv", rows)
    write_taxonomy(folder / "taxonomy.json", IRMAS11)
    SPLIT.write(folder / "split.csv", pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]))
    (folder / "stats.json").write_text(NORMALISATION.model_dump_json())
    return folder
