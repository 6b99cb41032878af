"""A collection of two timbres and noise, two clips a recording, and a pre-training on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_fixtures import (
    HEAD,
    LOSS,
    NETWORK,
    NORMALISATION,
    RATE_HZ,
    RECIPE,
    RELATIVE,
    STRONG,
    TRAINING,
    WINDOWS,
    bytes_below,
    timbre_clip,
)

from instrumentarium.config.selection import Selection, write_selection
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.pretraining.run import Inputs, pretrain_backbone
from instrumentarium.runtime.section import DeclaredParams
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, SPLIT

PRETRAINING = PretrainingParams(
    method="masked",
    epochs=3,
    windows_per_epoch=24,
    batch_size=8,
    learning_rate=0.01,
    share=0.4,
    patch_bands=4,
    patch_frames=4,
    temperature=0.1,
    discriminative_weight=1.0,
    generative_weight=10.0,
)
SPLITS = ("train", "train", "train", "validation", "test")

Write = Callable[..., Path]
Pretrain = Callable[..., dict[str, bytes]]


def write_collection(folder: Path, *, changed: str | None = None, recordings: int = 20) -> Path:
    """Write an ingested corpus, its split and its statistics; `changed` names a split whose clips are others."""
    rng, other = np.random.default_rng(0), np.random.default_rng(1)
    clips, split = [], []
    with SampleWriter(folder / "irmas" / "samples") as writer:
        for number in range(2 * recordings):
            clip_id, recording = f"irmas/{number:02d}", number // 2
            part = SPLITS[recording % len(SPLITS)]
            code = ("cel", "cla", None)[recording % 3]
            samples, replaced = timbre_clip(code, rng), timbre_clip("cla", other)
            samples = replaced if part == changed else samples
            row = {"clip_id": clip_id, "corpus": "irmas", "recording_id": f"song {recording}", "path": f"{number}.wav"}
            row |= {"duration_s": 1.0, "sample_rate_hz": RATE_HZ, "channels": 1}
            row |= {"first_sample": writer.append(samples), "n_samples": len(samples), "official_split": "test"}
            row |= {"genre": "", "drums": "unknown", "licence": "", "group": "", "pcm_hash": f"{number:032x}"}
            clips.append(row)
            split.append((clip_id, part, f"song {recording}"))
    CLIPS.write(folder / "irmas" / "clips.csv", pd.DataFrame(clips))
    SPLIT.write(folder / "split.csv", pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]))
    (folder / "stats.json").write_text(NORMALISATION.model_dump_json())
    return folder


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture
def pretrain(collection: Path, tmp_path: Path, cache: Path) -> Pretrain:
    """Return a function that pre-trains into a fresh folder, `last` of its attributes, and returns the bytes of it."""
    runs: Iterator[int] = iter(range(99))

    def run(
        folder: Path = collection, seed: int = 3, frontend: Any = RELATIVE, backbone: Any = NETWORK, **changes: Any
    ) -> dict[str, bytes]:
        out = tmp_path / f"run{next(runs)}"
        selected = tmp_path / "selected"
        write_selection(Selection(frontend, backbone, HEAD, LOSS, STRONG, WINDOWS, RECIPE), selected)
        chosen = PRETRAINING.model_copy(update=changes)
        values = {
            "seed": seed,
            "collection": "miniature",
            "model": "cnn",
            "audio": {"sample_rate_hz": RATE_HZ},
            "pretraining": chosen.model_dump(),
            "training": TRAINING.model_dump(),
        }
        inputs = Inputs([folder / "irmas"], folder / "split.csv", folder / "stats.json", selected)
        line = pretrain_backbone(DeclaredParams(values, "pretrain"), inputs, out)
        assert line.startswith("pretrain: 24 training clips of 12 recordings in; cnn after ")
        return bytes_below(out)

    return run
